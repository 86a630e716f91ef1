create or replace function queue.find_failed_descendants(p_job_ids uuid[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return array(
        with recursive fallen (id) as (
            select u from unnest(p_job_ids) as u
            union
            select below.job_id
            from fallen as up
            -- `offset 0`: one probe an edge. With old statistics a join may read the whole table for each level.
            cross join lateral (
                select d.job_id from queue.job_dependencies as d
                where
                    d.parent_id = up.id and not d.satisfied
                    and (
                        select j.status in ('failed', 'cancelled') and j.error_code = 'parent_failed'
                        from queue.processing_jobs as j where j.id = d.job_id
                    )
                offset 0
            ) as below
        )
        select f.id from fallen as f order by f.id
    );
end;
$$;

comment on function queue.find_failed_descendants(uuid[]) is $$
These jobs, and all that ended because of one of them, with those that ended because of these, and so on; in the order of ids.
$$;
