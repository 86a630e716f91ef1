create or replace function queue.satisfy_edges(p_parent_ids uuid[], p_children uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
    v_places tid[];
    v_satisfied uuid[];
begin
    -- Lock the counters before the edges and in the order of ids, as whoever deletes the children does.
    perform from queue.blocked as b where b.job_id = any(p_children) order by b.job_id for update;
    v_places := array(
        select e.ctid
        from unnest(p_parent_ids, p_children) as w (parent_id, job_id)
        cross join lateral (
            select one.ctid from queue.job_dependencies as one
            where one.parent_id = w.parent_id and one.job_id = w.job_id and not one.satisfied
            offset 0
        ) as e
    );
    with satisfied as (
        update queue.job_dependencies as d set satisfied = true
        where d.ctid = any(v_places) and not d.satisfied
        returning d.job_id
    )
    select array_agg(s.job_id) into v_satisfied from satisfied as s;
    if v_satisfied is not null then
        perform queue.decrement_pending(v_satisfied);
    end if;
end;
$$;

comment on function queue.satisfy_edges(uuid[], uuid[]) is $$
Satisfy these edges, from a parent to a child each; whoever has no open edge left becomes ready, scheduled or parked.
$$;
