create or replace function queue.find_jobs(
    p_filter queue.job_filter,
    p_source text,
    p_newest_first boolean,
    p_after_at timestamptz,
    p_after_id uuid,
    p_look integer,
    p_most integer,
    p_before timestamptz default null,
    out job_ids uuid[],
    out last_at timestamptz,
    out last_id uuid,
    out looked integer,
    out is_end boolean
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_way constant text := case when p_newest_first then 'desc' else 'asc' end;
    v_from constant text := case
        when p_source = 'ids' then '(select distinct u as id from unnest(($1).job_ids) as u where u is not null)'
        when p_source in ('video', 'tenant', 'user', 'jobs') then 'queue.processing_jobs'
        when p_source = 'completed' then 'queue.job_attempts'
        when p_source = 'dead_ids' then 'queue.dead_letters'
        else 'queue.' || quote_ident(p_source)
    end;
    v_id constant text := case when p_source in ('ids', 'video', 'tenant', 'user', 'jobs') then 'x.id' else 'x.job_id' end;
    v_at constant text := case p_source
        when 'leases' then 'x.started_at'
        when 'dead_letters' then 'x.failed_at'
        when 'scheduled' then 'x.due'
        when 'completed' then 'x.ended_at'
    end;
    v_if text := case
        when p_source = 'video' then ' and x.video_id = ($1).video_id'
        when p_source = 'tenant' then ' and x.tenant_id = ($1).tenant_id'
        when p_source = 'user' then ' and x.user_id = ($1).user_id'
        when p_source = 'leases' and p_filter.worker_id is not null then ' and x.worker_id = ($1).worker_id'
        when p_source = 'completed' then ' and x.outcome = ''completed'' and x.ended_at > $5'
        else ''
    end;
    v_from_index constant text := case when p_source in ('tenant', 'user') then format('x.%s_id %s, ', p_source, v_way) else '' end;
    -- Completed jobs are found by their attempts, with the BRIN index on ended_at: in the wide table they may lie behind a backlog of millions.
    v_spans constant interval[] := case when p_source = 'completed' then '{"10 minutes","2 hours","1 day","1000 years"}' else '{"0"}' end::interval[];
    v_span interval;
    v_ids uuid[];
    v_ats timestamptz[];
    v_places integer[];
begin
    if p_filter.job_type is not null and p_source in ('leases', 'dead_letters', 'dead_ids', 'scheduled', 'blocked', 'parked', 'completed') then
        v_if := v_if || ' and x.job_type = ($1).job_type';
    end if;
    if p_source in ('dead_letters', 'completed') then
        v_if := v_if || case when p_filter.since is not null then format(' and %s >= ($1).since', v_at) else '' end
            || case when p_filter.until is not null then format(' and %s < ($1).until', v_at) else '' end;
    end if;
    -- Ids are times: no job that matches was enqueued after `until`, and none that is not over before `since`.
    if p_source in ('video', 'tenant', 'user', 'jobs') then
        v_if := v_if
            || case when p_filter.until is not null then ' and x.id < base.uuid_v7_from(($1).until + interval ''1 minute'')' else '' end
            || case when p_filter.since is not null and p_filter.statuses <@ '{queued,running}'
                then ' and x.id >= base.uuid_v7_from(($1).since - interval ''1 day'')' else '' end;
    end if;
    if p_after_id is not null then
        v_if := v_if || case when v_at is null
            then format(' and %s %s $3', v_id, case when p_newest_first then '<' else '>' end)
            else format(' and (%s, %s) %s ($2, $3)', v_at, v_id, case when p_newest_first then '<' else '>' end)
        end;
    end if;
    foreach v_span in array v_spans loop
        execute format(
            'select coalesce(array_agg(w.id order by w.n), ''{}''), coalesce(array_agg(w.at order by w.n), ''{}'') from ('
            'select row_number() over () as n, f.* from ('
            'select %s as id, %s as at from %s as x where true%s order by %s%s limit $4) as f) as w',
            v_id, coalesce(v_at, 'null::timestamptz'), v_from, v_if, v_from_index,
            case when v_at is null then format('%s %s', v_id, v_way) else format('%s %s, %s %s', v_at, v_way, v_id, v_way) end
        )
        into v_ids, v_ats
        using p_filter, p_after_at, p_after_id, p_look, coalesce(p_after_at, base.clock()) - v_span;
        exit when cardinality(v_ids) >= p_look;
    end loop;

    select coalesce(array_agg(m.id order by m.n), '{}'), array_agg(m.n order by m.n) into job_ids, v_places
    from (
        select w.id, w.n::integer
        from unnest(v_ids) with ordinality as w (id, n)
        -- `offset 0`: one probe a job. With old statistics a join may read the whole table.
        cross join lateral (
            select
            from queue.processing_jobs as j
            where
                j.id = w.id
                and (p_filter.tenant_id is null or j.tenant_id = p_filter.tenant_id)  -- mutant: a bulk change reaches other tenants
                and (p_filter.user_id is null or j.user_id = p_filter.user_id)  -- mutant: a bulk change reaches other users
                and (p_filter.statuses is null or j.status = any(p_filter.statuses))
                and (p_filter.job_type is null or j.job_type = p_filter.job_type)
                and (p_filter.code is null or j.error_code = p_filter.code)
                and (p_filter.video_id is null or j.video_id = p_filter.video_id)
                and (p_filter.priority is null or j.priority = p_filter.priority)
                and (p_filter.since is null or coalesce(j.completed_at, j.created_at) >= p_filter.since)
                and (p_filter.until is null or coalesce(j.completed_at, j.created_at) < p_filter.until)
                and (p_before is null or coalesce(j.completed_at, j.created_at) <= p_before)
                and (p_filter.worker_id is null or j.worker_id = p_filter.worker_id)
                and (p_filter.pool is null or (select o.pool from queue.workers as o where o.worker_id = j.worker_id) = p_filter.pool)
                and (p_filter.place is null or case queue.place_of(j.id, j.status, j.next_retry_at)
                    when p_filter.place then true
                    when 'scheduled' then p_filter.place = 'not due'
                    when 'backing off' then p_filter.place = 'not due'
                    else false
                end)
            offset 0
        ) as found
        order by w.n
        limit p_most
    ) as m;
    looked := case when cardinality(job_ids) = p_most then v_places[p_most] else cardinality(v_ids) end;
    is_end := looked = cardinality(v_ids) and cardinality(v_ids) < p_look;
    last_at := v_ats[looked];
    last_id := v_ids[looked];
end;
$$;

comment on function queue.find_jobs(queue.job_filter, text, boolean, timestamptz, uuid, integer, integer, timestamptz) is $$
One step of a walk over the jobs of a filter: it looks at p_look entries of a source at most, whatever the size of the queue, and
returns up to p_most that match, with the place that it came to.

Arguments
  p_source       what queue.job_source says
  p_after_at, p_after_id  where the last step ended; null: from the start
  p_before       only jobs that ended, or were enqueued, until then: those of a later time are for another walk

Returns
  job_ids  those that match, in the order of the walk
  looked   how many entries it passed
  is_end   whether nothing is left
$$;
