create or replace function queue.list_history(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_since timestamptz default null,
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
    v_since timestamptz := coalesce(p_since, '-infinity');
begin
    if p_status not in ('completed', 'failed', 'cancelled') then
        raise exception 'status must be completed, failed or cancelled, not %', quote_literal(p_status)
            using errcode = 'RQ008', hint = 'Only jobs that are over are in the history; for others: reelq jobs list';
    end if;
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 50.';
    end if;
    -- Each of the three queries reads an index of the partitions from its end, and stops at the limit.
    if p_video_id is not null then
        return query
        select h.* from queue.history_summary as h
        where
            h.video_id = p_video_id and (v_tenant is null or h.tenant_id = v_tenant) and h.completed_at >= v_since
            and (p_status is null or h.status = p_status) and (p_job_type is null or h.job_type = p_job_type)
        order by h.id desc limit p_limit;
    elsif v_tenant is not null then
        return query
        select h.* from queue.history_summary as h
        where
            h.tenant_id = v_tenant and h.completed_at >= v_since
            and (p_status is null or h.status = p_status) and (p_job_type is null or h.job_type = p_job_type)
        order by h.completed_at desc limit p_limit;
    else
        return query
        select found.*
        from unnest(case when p_status is null then array['completed', 'failed', 'cancelled'] else array[p_status] end) as wanted (status)
        cross join lateral (
            select h.* from queue.history_summary as h
            where h.status = wanted.status and h.completed_at >= v_since and (p_job_type is null or h.job_type = p_job_type)
            order by h.completed_at desc limit p_limit
        ) as found
        order by found.completed_at desc limit p_limit;
    end if;
end;
$$;

comment on function queue.list_history(text, text, uuid, timestamptz, integer) is $$
Archived jobs, latest end first; of a status, type or video when given. Only those that ended at p_since or later: by type
give one, or the whole history may have to be read.

Raises
  RQ004  an application that has set no tenant
  RQ008  a status that no job ends with, or a limit below 1
$$;
