create or replace function ops.note_probe(p_webhook_id uuid, p_code text)
returns interval
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_webhook ops.webhooks;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    select w.* into v_webhook from ops.webhooks as w where w.id = p_webhook_id for no key update skip locked;  -- mutant: a tenant's transaction holds a probe
    if not found and exists (select from ops.webhooks as w where w.id = p_webhook_id) then
        return interval '15 seconds';  -- as in ops.note_webhook_failure
    elsif not found or v_webhook.status <> 'active' or v_webhook.failing_since is null then
        return null;
    end if;
    if p_code is null then
        -- It counts as failing until a real delivery arrives: one that answers pings only would else never be switched off.
        perform ops.hold_webhook(p_webhook_id, false);
        return null;
    end if;
    update ops.webhooks as w set last_error = left(p_code, 63), last_failed_at = v_now where w.id = p_webhook_id
    returning w.* into v_webhook;
    if v_webhook.failing_since <= v_now - queue.setting('webhook_disable_after')::interval then  -- mutant: an endpoint is asked for ever
        perform ops.disable_failing(v_webhook, 'it had been failing since ' || v_webhook.failing_since);
        return null;
    end if;
    return least(greatest((v_now - v_webhook.failing_since) / 4, interval '15 seconds'), interval '15 minutes');
end;
$$;

comment on function ops.note_probe(uuid, text) is $$
How a failing endpoint answered a ping; for the job that asks. When it answers, its deliveries are let go; when it has failed for longer than the setting
webhook_disable_after, it is switched off.

Arguments
  p_code  of the error; null: it answered as it should

Returns how long to wait before it is asked again: a quarter of the time that it has been failing, 15 seconds to 15 minutes; null: no more.

Raises
  42501  the caller is no operator or worker
  RQ002  the caller is not READ COMMITTED
$$;
