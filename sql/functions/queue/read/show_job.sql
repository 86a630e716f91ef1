create or replace function queue.show_job(p_job_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe an edge and a place, here and by `offset 0`: with old statistics whole tables would be read.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_job jsonb;
    v_operator boolean := base.is_operator();
    -- Stack and ffmpeg's output tell of our hosts, and a worker's name is one of them.
    v_hidden text[] := case when v_operator then '{}' else '{stack,stderr_tail,worker_id}' end;  -- mutant: a tenant sees stacks
begin
    select to_jsonb(j) || jsonb_build_object('place', s.place, 'gate', s.gate, 'archived', false) into v_job
    from queue.processing_jobs as j
    cross join lateral (select one.place, one.gate from queue.job_summary as one where one.id = j.id offset 0) as s
    where j.id = p_job_id;
    if not found then
        select to_jsonb(h) || jsonb_build_object('place', h.status, 'gate', null, 'archived', true) into v_job
        from queue.job_history as h where h.id = p_job_id;
    end if;
    if not found or not identity.may_see((v_job ->> 'tenant_id')::uuid, (v_job ->> 'user_id')::uuid) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    return v_job - v_hidden || jsonb_build_object(
        'lease', (select to_jsonb(l) - v_hidden from queue.leases as l where l.job_id = p_job_id),
        'parents', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', j.id, 'job_type', j.job_type, 'status', j.status, 'on_failure', d.on_failure, 'satisfied', d.satisfied
            ) order by j.id), '[]')
            from (select one.* from queue.all_dependencies as one where one.job_id = p_job_id limit 100) as d
            cross join lateral (select one.* from queue.all_jobs as one where one.id = d.parent_id offset 0) as j
            where identity.may_see(j.tenant_id, j.user_id)
        ),
        'more_parents', exists (select from queue.all_dependencies as one where one.job_id = p_job_id offset 100),
        'children', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', j.id, 'job_type', j.job_type, 'status', j.status, 'on_failure', d.on_failure, 'satisfied', d.satisfied
            ) order by j.id), '[]')
            from (select one.* from queue.all_dependencies as one where one.parent_id = p_job_id limit 100) as d
            cross join lateral (select one.* from queue.all_jobs as one where one.id = d.job_id offset 0) as j
            where identity.may_see(j.tenant_id, j.user_id)  -- mutant: another's child is shown
        ),
        'more_children', exists (select from queue.all_dependencies as one where one.parent_id = p_job_id offset 100),
        'attempts_history', (
            select coalesce(jsonb_agg(
                to_jsonb(a) - v_hidden - 'log' || jsonb_build_object('has_log', a.log is not null) order by a.attempt
            ), '[]')
            from queue.all_attempts as a
            where a.job_id = p_job_id
        )
    );
end;
$$;

comment on function queue.show_job(uuid) is $$
All that is known of a job, as one JSON object: the record, its place and gate, whether it is archived, lease, parents, children
(100 of each at most, and whether there are more) and attempts_history (those of archived jobs until their retention ends; has_log: queue.job_logs shows more). What only operators may see (stack, stderr_tail, worker_id) is left out for tenants.

Raises
  RQ004  no such job
$$;
