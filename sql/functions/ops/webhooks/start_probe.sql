create or replace function ops.start_probe(p_webhook_id uuid)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_job uuid;
    v_tenant uuid;
begin
    select w.probe_job_id, w.tenant_id into v_job, v_tenant from ops.webhooks as w where w.id = p_webhook_id;
    if exists (select from queue.processing_jobs as j where j.id = v_job and j.status in ('queued', 'running')) then
        return false;
    end if;
    if not exists (select from identity.tenants as t where t.id = v_tenant and t.status = 'active') and v_tenant is not null then
        return false;
    end if;
    v_job := queue.enqueue_job(
        'probe_webhook', tenant_id => v_tenant, job_data => jsonb_build_object('webhook_id', p_webhook_id),
        scheduled_for => base.clock() + interval '10 seconds'
    );
    update ops.webhooks as w set probe_job_id = v_job where w.id = p_webhook_id;
    return true;
end;
$$;

comment on function ops.start_probe(uuid) is $$
Enqueue the job that asks a failing endpoint whether it answers again, unless there is one. It is of no channel, so that the pause does not hold it.
Whoever calls this has locked the row. Returns whether it was enqueued.
$$;
