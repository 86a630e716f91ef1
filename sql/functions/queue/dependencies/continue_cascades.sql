create or replace function queue.continue_cascades(p_limit integer default 2000)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_mergejoin = off
as $$
declare
    v_cascade queue.cascades;
    v_status text;
    v_next uuid[];
    v_free uuid[];
    v_some uuid[];
    v_below uuid[];
    v_most integer;
    v_moved integer := 0;
    v_looked bigint := 0;
begin
    perform base.check_read_committed();
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 2000.';
    end if;
    -- In no order, so that neither those whose children somebody holds nor one with a million of them keep the others waiting.
    for v_cascade in
        select c.* from queue.cascades as c
        order by random()  -- mutant: what is held hides other cascades
        limit 100
        for update skip locked
    loop
        exit when v_moved >= p_limit or v_looked >= 5 * p_limit::bigint;
        select j.status into v_status from queue.processing_jobs as j where j.id = v_cascade.job_id for share skip locked;
        if not found then
            continue when exists (select from queue.processing_jobs as j where j.id = v_cascade.job_id);
            v_status := 'gone';
        elsif v_status in ('queued', 'running') then
            -- It was retried: its children wait for it again.
            delete from queue.cascades as c where c.job_id = v_cascade.job_id;
            continue;
        end if;
        v_most := p_limit - v_moved;
        v_next := array(
            select d.job_id from queue.job_dependencies as d
            where
                d.parent_id = v_cascade.job_id and d.job_id > v_cascade.place
                and case v_status
                    when 'gone' then true
                    when 'completed' then not d.satisfied
                    else not d.satisfied and (select true from queue.blocked as b where b.job_id = d.job_id)
                end
            order by d.job_id
            limit v_most
        );
        -- Claims wait for nobody: what others hold is left to the next look.
        v_looked := v_looked + cardinality(v_next);
        v_free := queue.lock_unheld(v_next, v_status <> 'completed');
        v_some := array(
            select d.job_id from queue.job_dependencies as d
            where d.parent_id = v_cascade.job_id and d.job_id = any(v_free) and (v_status = 'completed' or d.on_failure = 'run')
        );
        perform queue.satisfy_edges(array_fill(v_cascade.job_id, array[cardinality(v_some)]), v_some);
        if v_status <> 'completed' then
            v_some := array(
                select d.job_id from queue.job_dependencies as d
                where
                    d.parent_id = v_cascade.job_id and d.job_id = any(v_free) and not d.satisfied and d.on_failure <> 'run'
                    and (select true from queue.blocked as b where b.job_id = d.job_id)
            );
            v_some := queue.fail_blocked(v_some);
            -- Their own children follow at once where nobody holds one of them, else at a later look.
            v_below := queue.find_doomed(v_some, p_limit);
            if v_below <> '{}' and cardinality(v_below) = cardinality(queue.lock_unheld(v_below)) then
                v_some := v_some || queue.fail_blocked(v_below);
                v_moved := v_moved + cardinality(v_below);
            end if;
            insert into queue.cascades (job_id)
            select f.id from unnest(v_some) as f (id)
            -- A scalar subquery, here and above: with old statistics a join may read the whole table.
            where (
                select true from queue.job_dependencies as d
                where d.parent_id = f.id and not d.satisfied and (select true from queue.blocked as b where b.job_id = d.job_id)
                limit 1
            )
            on conflict do nothing;
        end if;
        if v_status = 'gone' then
            delete from queue.job_dependencies as d where d.parent_id = v_cascade.job_id and d.job_id = any(v_free);
        end if;
        v_moved := v_moved + cardinality(v_free);
        -- While somebody holds one of these children the place stays.
        continue when cardinality(v_free) < cardinality(v_next);
        if cardinality(v_next) < v_most then
            delete from queue.cascades as c where c.job_id = v_cascade.job_id;
        else
            update queue.cascades as c set place = v_next[cardinality(v_next)] where c.job_id = v_cascade.job_id;
        end if;
    end loop;
    return v_moved;
end;
$$;

comment on function queue.continue_cascades(integer) is $$
Deal with up to p_limit more children of jobs that have ended and had too many for one transaction (queue.cascades). Called by whoever
claims; waits for nobody: a child that another session holds, or whose video, is left to the next look. Looks at 100 jobs, chosen at random, and at five
times p_limit children at most. Returns with how many children it dealt.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
$$;
