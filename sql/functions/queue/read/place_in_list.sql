create or replace function queue.place_in_list(p_filter queue.job_filter, p_source text, p_after uuid)
returns table (is_archived boolean, at timestamptz)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_job record;
    v_is_archived boolean := false;
    v_at timestamptz;
begin
    select j.status, j.completed_at, j.started_at, j.scheduled_for into v_job
    from queue.processing_jobs as j
    where j.id = p_after and (p_filter.tenant_id is null or j.tenant_id = p_filter.tenant_id) and (p_filter.user_id is null or j.user_id = p_filter.user_id);
    if not found then
        select h.status, h.completed_at, h.started_at, h.scheduled_for into v_job
        from queue.job_history as h
        where h.id = p_after and (p_filter.tenant_id is null or h.tenant_id = p_filter.tenant_id) and (p_filter.user_id is null or h.user_id = p_filter.user_id);
        if not found then
            raise exception 'no job % to go on after', p_after using errcode = 'RQ004', hint = 'Give the last id of the page before.';
        end if;
        v_is_archived := true;
    end if;
    v_at := case
        when p_source in ('dead_letters', 'completed') then v_job.completed_at
        when p_source = 'leases' and v_job.status = 'running' then v_job.started_at
        when p_source = 'scheduled' and v_job.status = 'queued' then v_job.scheduled_for
    end;
    if v_at is null and p_source in ('dead_letters', 'completed', 'leases', 'scheduled') then
        raise exception 'job % must still be in the list to go on after it, not %', p_after, v_job.status
            using errcode = 'RQ009', hint = 'Begin from the start, or go on after another job of that page.';
    end if;
    return query select v_is_archived, v_at;
end;
$$;

comment on function queue.place_in_list(queue.job_filter, text, uuid) is $$
Where a page of queue.list_jobs begins: whether the last job of the page before is in the history, and the time that the list goes by; null
when it goes by ids.

Raises
  RQ004  no such job
  RQ009  the job has left the list
$$;
