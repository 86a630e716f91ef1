create or replace function ops.lock_webhook(p_webhook_id uuid)
returns ops.webhooks
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks;
begin
    perform base.check_read_committed();
    v_webhook := ops.find_webhook(p_webhook_id);
    perform identity.check_tenant_admin();
    select w.* into v_webhook from ops.webhooks as w where w.id = p_webhook_id for no key update;
    if not found then
        raise exception 'no webhook %', p_webhook_id using errcode = 'RQ004', hint = 'It was deleted at this moment.';
    end if;
    return v_webhook;
end;
$$;

comment on function ops.lock_webhook(uuid) is $$
An endpoint that the caller may change, locked until the transaction ends.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
