create or replace function ops.test_webhook(p_webhook_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
    v_event uuid := base.uuid_v7();
    v_job uuid := base.uuid_v7();
begin
    if v_webhook.status <> 'active' then
        raise exception 'webhook % must be active, not %', p_webhook_id, v_webhook.status using errcode = 'RQ009', hint = 'reelq webhooks enable ' || p_webhook_id;
    end if;
    -- Of no channel, so that no pause holds it.
    insert into queue.processing_jobs (
        id, job_type, tenant_id, job_data, priority, scheduled_for, max_attempts, max_crashes, weight, needs, limits
    )
    select
        v_job, t.job_type, v_webhook.tenant_id,
        jsonb_build_object('webhook_id', v_webhook.id, 'event', jsonb_build_object(
            'id', v_event, 'type', 'webhook.ping', 'timestamp', to_char(base.clock() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'data', jsonb_build_object('webhook_id', v_webhook.id)
        )),
        t.priority, base.clock(), 1, t.max_crashes, t.weight, t.needs, t.limits
    from queue.job_types as t
    where t.job_type = 'deliver_webhook';
    perform ops.ensure_partition('ops.webhook_deliveries', base.clock());
    insert into ops.webhook_deliveries (webhook_id, job_id, event_id, event_type, ordering_key)
    values (v_webhook.id, v_job, v_event, 'webhook.ping', 'webhook:' || v_webhook.id);
    return v_job;
end;
$$;

comment on function ops.test_webhook(uuid) is $$
Enqueue one delivery of an event webhook.ping, which is tried once and which no pause of the endpoint holds. Returns the job.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ009  the endpoint is disabled
  RQ012  the tenant is not active
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
