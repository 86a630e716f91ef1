create or replace function queue.check_acyclic(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_circle uuid[];
    v_way uuid[];
begin
    -- Nearly always parents have smaller ids than their children. Then there is no circle, and nothing more to check.
    if not exists (
        select from queue.job_dependencies as d
        where d.job_id = any(p_job_ids) and d.parent_id >= d.job_id
    ) then
        return;
    end if;
    v_circle := queue.find_circle(p_job_ids);
    if v_circle <> '{}' then
        -- Each of them waits for another of them: go from one to its parent until one comes again.
        v_way := v_circle[1:1];
        while cardinality(v_way) = 1 or v_way[cardinality(v_way)] <> all(v_way[:cardinality(v_way) - 1]) loop
            v_way := v_way || (
                select d.parent_id from queue.job_dependencies as d
                where d.job_id = v_way[cardinality(v_way)] and d.parent_id = any(v_circle) order by d.parent_id limit 1
            );
        end loop;
        v_way := v_way[array_position(v_way, v_way[cardinality(v_way)]):];
        raise exception 'jobs must not wait for one another in a circle, as these do: %', array_to_string(v_way[1:10], ' → ')
            || case when cardinality(v_way) > 10 then ' → …' else '' end
            using errcode = 'RQ006', hint = 'Leave out one of the edges. a → b: a waits for b.';
    end if;
end;
$$;

comment on function queue.check_acyclic(uuid[]) is $$
Refuse a circle among jobs of one statement (RQ006). Edges are only ever made with the waiting
job, so no other circle is possible.
$$;
