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
    v_children uuid[];
begin
    -- This is a statement of its own, after the update of the parent: its snapshot then sees an edge that was committed while that
    -- update waited for the share lock of an enqueuer.
    with satisfied as (
        update queue.job_dependencies as d
        set satisfied = true
        where d.parent_id = any(p_parent_ids) and not d.satisfied and (d.on_failure = 'run' or not p_only_willing)
        returning d.job_id
    )
    select array_agg(s.job_id) into v_children from satisfied as s;
    if v_children is not null then
        perform queue.decrement_pending(v_children);
    end if;
end;
$$;

comment on function queue.release_children(uuid[], boolean) is $$
Satisfy the edges of those that wait for these jobs; whoever waits for nobody else becomes ready.

Arguments
  p_only_willing  the jobs have failed: only the edges whose policy is to run all the same
$$;
