create or replace function queue.release_children(p_parent_ids uuid[], p_only_willing boolean default false)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
    v_most constant integer := 5000;
    v_parents uuid[];
    v_children uuid[];
begin
    -- This is a statement of its own, after the update of the parent: its snapshot then sees an edge that was committed while that
    -- update waited for the share lock of an enqueuer.
    select array_agg(d.parent_id), array_agg(d.job_id) into v_parents, v_children
    from (
        select e.parent_id, e.job_id from queue.job_dependencies as e
        where e.parent_id = any(p_parent_ids) and not e.satisfied and (e.on_failure = 'run' or not p_only_willing)
        limit v_most + 1
    ) as d;
    if v_children is null then
        return;
    elsif cardinality(v_children) > v_most then
        perform queue.satisfy_edges(v_parents[:v_most], v_children[:v_most]);
        -- Claims go on with the parents that have more.
        insert into queue.cascades (job_id)
        select p.id from unnest(p_parent_ids) as p (id)
        where (
            select true from queue.job_dependencies as e
            where e.parent_id = p.id and not e.satisfied and (e.on_failure = 'run' or not p_only_willing)
            limit 1
        )
        on conflict do nothing;
    else
        perform queue.satisfy_edges(v_parents, v_children);
    end if;
end;
$$;

comment on function queue.release_children(uuid[], boolean) is $$
Satisfy the edges of those that wait for these jobs; whoever waits for nobody else becomes ready. 5,000 edges at most; claims do the
rest (queue.cascades).

Arguments
  p_only_willing  the jobs have failed: only the edges whose policy is to run all the same
$$;
