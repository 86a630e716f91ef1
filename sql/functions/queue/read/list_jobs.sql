create or replace function queue.list_jobs(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_limit integer default 50,
    p_place text default null,
    p_code text default null,
    p_tenant text default null,
    p_since timestamptz default null,
    p_until timestamptz default null,
    p_pool text default null,
    p_worker text default null,
    p_priority integer default null,
    p_after text default null
)
returns setof queue.job_summary
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_filter constant queue.job_filter := queue.make_filter(
        'list', queue.visible_tenant(), p_status, p_job_type, p_video_id, p_place, p_code, p_tenant, p_since, p_until, p_pool, p_worker, p_priority, null, true
    );
    v_source constant text := queue.job_source(v_filter);
    v_newest_first constant boolean := v_source <> 'scheduled';
    v_now timestamptz := base.clock();
    v_at timestamptz;
    v_after constant uuid := queue.read_cursor(p_after);
    v_id uuid := v_after;
    v_is_archived boolean := false;
    v_step record;
    v_ids uuid[] := '{}';
    v_look integer := coalesce(p_limit, 50);
    v_looked integer := 0;
begin
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 50.';
    end if;
    if p_after is not null then
        select f.is_archived, f.at into v_is_archived, v_at from queue.place_in_list(v_filter, v_source, v_after) as f;
        v_is_archived := v_is_archived and p_video_id is null; -- of a video both are one list
    end if;
    if not v_is_archived then
        -- Pages that grow, so that a short list is cheap, and a rare job is found; an end for those that are too rare.
        loop
            select f.* into v_step
            from queue.find_jobs(v_filter, v_source, v_newest_first, v_at, v_id, v_look, p_limit - cardinality(v_ids)) as f;
            v_ids := v_ids || v_step.job_ids;
            v_at := coalesce(v_step.last_at, v_at);
            v_id := coalesce(v_step.last_id, v_id);
            v_looked := v_looked + v_step.looked;
            exit when v_step.is_end or cardinality(v_ids) >= p_limit or v_looked >= 100000;
            v_look := least(v_look::bigint * 4, 20000);
        end loop;
        if p_video_id is not null then
            return query
            select found.*
            from (
                select s.* from queue.job_summary as s where s.id = any(v_ids)
                union all
                select h.* from queue.list_history(
                    p_status, p_job_type, p_video_id, p_since, p_limit, p_tenant, p_until, p_code, p_after
                ) as h
                where coalesce(p_status, 'failed') not in ('queued', 'running') and num_nonnulls(p_place, p_pool, p_worker, p_priority) = 0
            ) as found
            order by found.id desc limit p_limit;
            return;
        end if;
        return query
        select s.*
        from unnest(v_ids) with ordinality as w (id, n)
        cross join lateral (select one.* from queue.job_summary as one where one.id = w.id offset 0) as s
        order by w.n;
        if not v_step.is_end and cardinality(v_ids) < p_limit then
            raise notice 'looked at the first % jobs only', v_looked
                using hint = format('The others: p_after => %L', v_id);
            return;
        end if;
    end if;

    -- Archived jobs ended before all others, so they come last. By type the history is read for one month back only: for a rare type
    -- more could mean all of it.
    if cardinality(v_ids) < p_limit and coalesce(p_status, 'failed') not in ('queued', 'running')
        and num_nonnulls(p_place, p_pool, p_worker, p_priority) = 0
    then
        return query
        select h.* from queue.list_history(
            p_status, p_job_type, p_video_id, coalesce(p_since, case when p_job_type is not null then v_now - interval '31 days' end),
            p_limit - cardinality(v_ids), p_tenant, p_until, p_code, case when v_is_archived then p_after end
        ) as h;
    end if;
end;
$$;

comment on function queue.list_jobs(
    text, text, uuid, integer, text, text, text, timestamptz, timestamptz, text, text, integer, text
) is $$
Jobs, newest first; only those that fit all that is given. Running ones by their start, completed and failed ones by their
end (of a tenant: the latest that were enqueued), scheduled ones by their time. Those that are over are looked for in the history, too, when
the others do not fill the list; by type for the last 31 days (further back: queue.list_history), and not by place, pool, worker or priority.
A call looks at some 100,000 jobs at most; when that does not fill the list a notice says how to go on.

Arguments
  p_place     ready, scheduled, backing off, blocked, parked, running, dead letter
  p_code      error code of the latest attempt
  p_tenant    slug or id
  p_since, p_until  when jobs that are over ended, and the others were enqueued
  p_pool, p_worker  of the worker that has, or had, the latest attempt; for operators
  p_after     the id of the last job of a page, as text, for the next one

Raises
  RQ003  no such job type
  RQ004  no such tenant, pool, worker or job to go on after; an application that has set no tenant
  RQ008  a value that makes no sense, a limit below 1, or a p_after that is no id
  RQ009  the job to go on after has changed its place
  42501  pool or worker asked for by an application
$$;
