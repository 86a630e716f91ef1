create or replace function queue.pause_gate(p_job queue.processing_jobs, p_with_type boolean default false)
returns text
language sql
stable
set search_path = ''
as $$
    select 'pause:' || p.scope || ':' || p.key
    from queue.pauses as p
    where
        (p.scope in ('tenant', 'suspended') and p.key = p_job.tenant_id::text)
        or (p.scope = 'channel' and p.key = p_job.channel_id::text)
        or (p.scope = 'input' and p.key = p_job.asset_id::text)
        or (p_with_type and p.scope = 'job_type' and p.key = p_job.job_type)
    order by p.scope desc, p.key
    limit 1;
$$;

comment on function queue.pause_gate(queue.processing_jobs, boolean) is $$
The gate behind which a pause keeps this job: of its tenant, channel or input. Null: none does.

Arguments
  p_with_type  also a pause of its type, which claims else heed by leaving out whole lanes
$$;
