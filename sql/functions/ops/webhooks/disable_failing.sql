create or replace function ops.disable_failing(p_webhook ops.webhooks, p_reason text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.webhooks as w set status = 'disabled', status_reason = p_reason where w.id = p_webhook.id;
    perform ops.hold_webhook(p_webhook.id, false);
    perform base.emit_event(
        'webhook.disabled', p_webhook.tenant_id, 'webhook:' || p_webhook.id,
        jsonb_build_object('webhook_id', p_webhook.id, 'error_code', p_webhook.last_error, 'failing_since', p_webhook.failing_since)
    );
end;
$$;

comment on function ops.disable_failing(ops.webhooks, text) is $$
Switch an endpoint off by the system's own decision, and tell its tenant. What waits for it is let go, and ends as webhook_disabled. Whoever calls this has locked the row.
$$;
