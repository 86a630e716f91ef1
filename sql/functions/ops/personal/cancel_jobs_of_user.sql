create or replace function ops.cancel_jobs_of_user(p_user_id uuid, p_limit integer)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_jobs uuid[];
    v_count bigint;
begin
    -- What bears their id and is about somebody else's video goes on for that one, and bears it no longer.
    with others as materialized (
        select j.id
        from queue.processing_jobs as j
        where
            j.user_id = p_user_id and j.video_id is not null
            and not exists (select from media.videos as v where v.id = j.video_id and v.user_id = p_user_id)
        order by j.id
        limit p_limit
        for no key update of j
    )
    update queue.processing_jobs as j set user_id = null from others as o where j.id = o.id;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        return v_count;
    end if;

    v_jobs := array(
        select j.id
        from queue.processing_jobs as j
        where
            j.id = any(array(
                select b.id from queue.processing_jobs as b where b.user_id = p_user_id
                union all
                select b.id
                from media.videos as v cross join lateral (select f.* from queue.processing_jobs as f where f.video_id = v.id offset 0) as b
                where v.user_id = p_user_id
                union all
                select b.id
                from media.assets as a cross join lateral (select f.* from queue.processing_jobs as f where f.asset_id = a.id offset 0) as b
                where a.owner_user_id = p_user_id and b.video_id is null
            ))
            and j.status in ('queued', 'running')
            and not exists (select from queue.leases as l where l.job_id = j.id and l.cancel_requested_at is not null)
        limit p_limit
    );
    if v_jobs <> '{}' then
        perform queue.cancel_these(v_jobs, 'The user is erased.');
    end if;
    return cardinality(v_jobs);
end;
$$;

comment on function ops.cancel_jobs_of_user(uuid, integer) is $$
Cancel jobs of a user that are not over: queued ones at once, running ones through their lease. A job about somebody else's video goes on without the user's id.
Returns how many jobs it met; 0: no more.
$$;
