create or replace function queue.find_doomed(p_parent_ids uuid[], p_most integer default 2000)
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
        with recursive doomed (id) as (
            select d.job_id
            from queue.job_dependencies as d
            where
                d.parent_id = any(p_parent_ids) and not d.satisfied and d.on_failure <> 'run'
                and (select true from queue.blocked as b where b.job_id = d.job_id)
            union
            select below.job_id
            from doomed as up
            -- `offset 0`: one probe an edge. With old statistics a join may read the whole table for each level.
            cross join lateral (
                select d.job_id from queue.job_dependencies as d
                where
                    d.parent_id = up.id and not d.satisfied and d.on_failure <> 'run'  -- mutant: a willing grandchild falls
                    and (select true from queue.blocked as b where b.job_id = d.job_id)
                offset 0
            ) as below
        )
        select doomed.id from doomed limit p_most
    );
end;
$$;

comment on function queue.find_doomed(uuid[], integer) is $$
The blocked jobs that end when these jobs fail: their children whose policy is to fail or to be cancelled, and the children of those, and
so on down; nearest first, p_most of them at most.
$$;
