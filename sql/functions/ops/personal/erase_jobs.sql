create or replace function ops.erase_jobs(p_erasure_id uuid, p_user_id uuid, p_limit integer)
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
    v_archived uuid[];
    v_counts jsonb;
    v_disowned bigint;
begin
    v_jobs := array(select j.id from queue.processing_jobs as j where j.user_id = p_user_id order by j.id limit p_limit for update);
    if cardinality(v_jobs) < p_limit then
        v_jobs := v_jobs || array(
            select j.id
            from media.assets as a cross join lateral (select f.* from queue.processing_jobs as f where f.asset_id = a.id offset 0) as j
            where a.owner_user_id = p_user_id and j.video_id is null and j.id <> all(v_jobs)
            limit p_limit - cardinality(v_jobs)
        );
    end if;
    -- A job that is over about somebody else's video is part of that one's history.
    with others as materialized (
        select h.id, h.completed_at
        from queue.job_history as h
        where h.user_id = p_user_id and exists (select from media.videos as v where v.id = h.video_id and v.user_id is distinct from p_user_id)
        limit p_limit
    )
    update queue.job_history as h set user_id = null from others as o where h.id = o.id and h.completed_at = o.completed_at;
    get diagnostics v_disowned = row_count;
    v_archived := array(select h.id from queue.job_history as h where h.user_id = p_user_id limit p_limit);

    v_counts := ops.count_jobs_of(v_jobs, v_archived);
    if v_jobs <> '{}' then
        delete from queue.processing_jobs as j where j.id = any(v_jobs);
    end if;
    if v_archived <> '{}' then
        delete from queue.job_history as h where h.id = any(v_archived);
        delete from queue.attempt_history as a where a.job_id = any(v_archived);  -- mutant: attempts of archived jobs stay
        delete from queue.dependency_history as d where d.parent_id = any(v_archived) or d.job_id = any(v_archived);
    end if;
    return ops.count_erased(p_erasure_id, v_counts) + v_disowned;
end;
$$;

comment on function ops.erase_jobs(uuid, uuid, integer) is $$
Delete jobs that bear a user's id and went with no video of theirs, and their history. Returns how many rows that were; 0: no more.

Arguments
  p_limit  jobs at most
$$;
