create or replace function queue.list_history(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_since timestamptz default null,
    p_limit integer default 50,
    p_tenant text default null,
    p_until timestamptz default null,
    p_code text default null,
    p_after text default null
)
returns setof queue.job_summary
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := queue.visible_tenant();
    v_only constant uuid := identity.limited_to();
    v_until timestamptz := coalesce(p_until, 'infinity');
    v_last constant uuid := queue.read_cursor(p_after);
    v_after timestamptz;
    v_since timestamptz := coalesce(p_since, '-infinity');
begin
    if p_status not in ('completed', 'failed', 'cancelled') then
        raise exception 'status must be completed, failed or cancelled, not %', quote_literal(left(p_status, 80))
            using errcode = 'RQ008', hint = 'Only jobs that are over are in the history; for others: reelq jobs list';
    end if;
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 50.';
    end if;
    if p_job_type is not null and not exists (select from queue.job_types as t where t.job_type = p_job_type) then
        raise exception 'no job type %', quote_literal(left(p_job_type, 80)) using errcode = 'RQ003', hint = queue.known_types(p_job_type);
    end if;
    if p_tenant is not null then
        v_tenant := identity.find_tenant(p_tenant);
    end if;
    if v_last is not null and p_video_id is null then
        select h.completed_at into v_after
        from queue.job_history as h where h.id = v_last and (v_tenant is null or h.tenant_id = v_tenant) and (v_only is null or h.user_id = v_only);
        if not found then
            raise exception 'no job % in the history to go on after', v_last
                using errcode = 'RQ004', hint = 'Give the last id of the page before.';
        end if;
        v_until := least(v_until, v_after + interval '1 microsecond');
    end if;
    -- Each of the four queries reads an index of the partitions from its end, and stops at the limit.
    if v_only is not null then
        return query
        select s.*
        from (
            select h.id, h.completed_at
            from queue.job_history as h
            where
                h.user_id = v_only and h.tenant_id = v_tenant and h.completed_at >= v_since and h.completed_at < v_until
                and (p_video_id is null or h.video_id = p_video_id) and (p_code is null or h.error_code = p_code)
                and (p_status is null or h.status = p_status) and (p_job_type is null or h.job_type = p_job_type)
                and (v_after is null or (h.completed_at, h.id) < (v_after, v_last))
                and (p_video_id is null or v_last is null or h.id < v_last)
            order by h.completed_at desc, h.id desc limit p_limit
        ) as found
        cross join lateral (
            select one.* from queue.history_summary as one where one.id = found.id and one.completed_at = found.completed_at offset 0
        ) as s
        order by s.completed_at desc, s.id desc;
    elsif p_video_id is not null then
        return query
        select h.* from queue.history_summary as h
        where
            h.video_id = p_video_id and (v_tenant is null or h.tenant_id = v_tenant) and h.completed_at >= v_since
            and h.completed_at < v_until and (p_code is null or h.error_code = p_code)
            and (p_status is null or h.status = p_status) and (p_job_type is null or h.job_type = p_job_type)
            and (v_last is null or h.id < v_last)
        order by h.id desc limit p_limit;
    elsif v_tenant is not null then
        return query
        select h.* from queue.history_summary as h
        where
            h.tenant_id = v_tenant and h.completed_at >= v_since
            and h.completed_at < v_until and (p_code is null or h.error_code = p_code)
            and (p_status is null or h.status = p_status) and (p_job_type is null or h.job_type = p_job_type)
            and (v_after is null or (h.completed_at, h.id) < (v_after, v_last))
        order by h.completed_at desc, h.id desc limit p_limit;
    else
        return query
        select found.*
        from unnest(case when p_status is null then array['completed', 'failed', 'cancelled'] else array[p_status] end) as wanted (status)
        cross join lateral (
            select h.* from queue.history_summary as h
            where h.status = wanted.status and h.completed_at >= v_since and (p_job_type is null or h.job_type = p_job_type)
                and h.completed_at < v_until and (p_code is null or h.error_code = p_code)
                and (v_after is null or (h.completed_at, h.id) < (v_after, v_last))
            order by h.completed_at desc, h.id desc limit p_limit
        ) as found
        order by found.completed_at desc, found.id desc limit p_limit;
    end if;
end;
$$;

comment on function queue.list_history(text, text, uuid, timestamptz, integer, text, timestamptz, text, text) is $$
Archived jobs, latest end first; of a status, type, video, tenant (slug or id) or error code when given. Only those that ended at p_since or
later, and before p_until: by type or code give the first, or the whole history may have to be read. p_after is the id of the last job of a page, as
text, for the next one.

Raises
  RQ003  no such job type
  RQ004  no such tenant, or job to go on after; an application that has set no tenant
  RQ008  a status that no job ends with, a limit below 1, or a p_after that is no id
$$;
