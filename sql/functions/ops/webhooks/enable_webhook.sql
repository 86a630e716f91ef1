create or replace function ops.enable_webhook(p_webhook_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
begin
    update ops.webhooks as w
    set status = 'active', status_reason = null, failures = 0, failing_since = null, last_error = null
    where w.id = v_webhook.id;
    perform ops.hold_webhook(v_webhook.id, false);
    return v_webhook.status <> 'active';
end;
$$;

comment on function ops.enable_webhook(uuid) is $$
Switch an endpoint on again: it gets the events from now on. What it has missed: ops.replay_events. Returns whether it was off.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
