create or replace function ops.find_webhook(p_webhook_id uuid)
returns ops.webhooks
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks;
begin
    select w.* into v_webhook from ops.webhooks as w where w.id = p_webhook_id;
    -- One answer for another's endpoint and for one that never was.
    if not found or not identity.may_see(v_webhook.tenant_id, null) then  -- mutant: anybody's endpoint is found
        raise exception 'no webhook %', coalesce(p_webhook_id::text, 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq webhooks list, or ops.list_webhooks(); an application sets reelq.tenant_id, and a user must be an admin.';
    end if;
    return v_webhook;
end;
$$;

comment on function ops.find_webhook(uuid) is $$
An endpoint that the caller may see: the tenant's own, for the tenant and its admins.

Raises
  RQ004  no such endpoint, or not one that the caller may see
$$;
