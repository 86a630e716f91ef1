create or replace function queue.settle_children_of_failed(p_parent_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_most constant integer := 2000;
    v_doomed uuid[] := queue.find_doomed(p_parent_ids, v_most);
    v_all uuid[] := p_parent_ids;
    v_count integer := 0;
begin
    while v_doomed <> '{}' loop
        v_all := v_all || queue.fail_blocked(v_doomed);  -- mutant: a failure stops at the children
        v_count := v_count + cardinality(v_doomed);
        -- Whoever held one of them until now may have enqueued a child of it.
        v_doomed := queue.find_doomed(v_all, v_most - v_count);  -- mutant: a child that comes beside a cascade waits for ever
    end loop;
    -- Policy 'run': the edge counts as satisfied.
    perform queue.release_children(v_all, true);  -- mutant: a failure leaves the willing waiting
    if v_count = v_most then
        -- More of them may be left: claims go on with these parents.
        insert into queue.cascades (job_id)
        select a.id from unnest(v_all) as a (id)
        -- Scalar subqueries: with old statistics a join may read the whole table.
        where (
            select true from queue.job_dependencies as d
            where d.parent_id = a.id and not d.satisfied and d.on_failure <> 'run'
                and (select true from queue.blocked as b where b.job_id = d.job_id)
            limit 1
        )
        on conflict do nothing;
    end if;
end;
$$;

comment on function queue.settle_children_of_failed(uuid[]) is $$
These jobs have failed for good, were cancelled or are gone: deal with those that wait for them as
each edge says, and with those that wait for these, and so on down. 2,000 jobs at most; claims do the rest (queue.cascades).
$$;
