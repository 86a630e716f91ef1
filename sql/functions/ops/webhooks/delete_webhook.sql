create or replace function ops.delete_webhook(p_webhook_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
begin
    perform ops.hold_webhook(v_webhook.id, false);
    delete from ops.webhooks as w where w.id = v_webhook.id;
end;
$$;

comment on function ops.delete_webhook(uuid) is $$
Delete an endpoint and its secrets. What waits for it ends as webhook_missing when its turn comes.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
