create or replace function queue.list_jobs(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_limit integer default 50
)
returns setof queue.job_summary
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := queue.visible_tenant();
    v_now timestamptz := base.clock();
    v_span interval;
    v_ids uuid[];
    v_found integer;
begin
    if p_status not in ('queued', 'running', 'completed', 'failed', 'cancelled') then
        raise exception 'status must be queued, running, completed, failed or cancelled, not %', quote_literal(p_status)
            using errcode = 'RQ008', hint = 'Leave it out for jobs of every status.';
    end if;
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 50.';
    end if;
    -- Each status is answered from the narrow table that knows it, not by reading the wide one.
    if p_video_id is not null then
        return query
        select found.*
        from (
            (
                select s.* from queue.job_summary as s
                where
                    s.video_id = p_video_id and (v_tenant is null or s.tenant_id = v_tenant)
                    and (p_status is null or s.status = p_status) and (p_job_type is null or s.job_type = p_job_type)
                order by s.id desc limit p_limit
            )
            union all
            select h.* from queue.list_history(nullif(nullif(p_status, 'queued'), 'running'), p_job_type, p_video_id, null, p_limit) as h
            where coalesce(p_status, '') not in ('queued', 'running')
        ) as found
        order by found.id desc limit p_limit;
        return;
    elsif v_tenant is not null and coalesce(p_status, '') <> 'running' then
        -- Only the tenant's own jobs are walked over, latest first.
        return query
        select found.*
        from (
            select s.* from queue.job_summary as s
            where
                s.tenant_id = v_tenant and (p_status is null or s.status = p_status)
                and (p_job_type is null or s.job_type = p_job_type)
            order by s.tenant_id desc, s.id desc limit p_limit
        ) as found
        order by case when p_status in ('completed', 'failed') then found.completed_at end desc, found.id desc;
    elsif p_status = 'running' then
        return query
        select s.* from queue.leases as l inner join queue.job_summary as s on s.id = l.job_id
        where (v_tenant is null or s.tenant_id = v_tenant) and (p_job_type is null or l.job_type = p_job_type)
        order by l.started_at desc limit p_limit;
    elsif p_status = 'failed' then
        return query
        select s.* from queue.dead_letters as d inner join queue.job_summary as s on s.id = d.job_id
        where p_job_type is null or d.job_type = p_job_type
        order by d.failed_at desc limit p_limit;
    elsif p_status = 'completed' then
        -- Find completed jobs by their attempts, with the BRIN index on ended_at: in the wide table they may lie behind a backlog of millions.
        foreach v_span in array array['10 minutes', '2 hours', '1000 years']::interval[] loop
            v_ids := array(
                select a.job_id
                from queue.job_attempts as a
                where
                    a.outcome = 'completed' and a.ended_at > v_now - v_span and (p_job_type is null or a.job_type = p_job_type)
                order by a.ended_at desc limit p_limit
            );
            exit when cardinality(v_ids) >= p_limit;
        end loop;
        return query
        select s.* from queue.job_summary as s where s.id = any(v_ids) order by s.completed_at desc, s.id desc;
    else
        return query
        select s.* from queue.job_summary as s
        where (p_status is null or s.status = p_status) and (p_job_type is null or s.job_type = p_job_type)
        order by s.id desc limit p_limit;
    end if;
    get diagnostics v_found = row_count;

    -- Archived jobs ended before all others, so they come last. By type the history is read for one month back only: for a rare type
    -- more could mean all of it.
    if v_found < p_limit and coalesce(p_status, '') not in ('queued', 'running') then
        return query
        select h.* from queue.list_history(
            p_status, p_job_type, null, case when p_job_type is not null then v_now - interval '31 days' end, p_limit - v_found
        ) as h;
    end if;
end;
$$;

comment on function queue.list_jobs(text, text, uuid, integer) is $$
Jobs, newest first; of a status, type or video when given. Running ones by their start, completed and failed ones by their
end (of a tenant: the latest that were enqueued). Those that are over are looked for in the history, too, when the others do not fill the list; by type for the last
31 days (further back: queue.list_history).

Raises
  RQ008  unknown status, or a limit below 1
$$;
