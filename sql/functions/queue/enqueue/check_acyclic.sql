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
        raise exception 'jobs must not wait for one another in a circle, as these do: %', array_to_string(v_circle[1:5], ', ')
            using errcode = 'RQ006', hint = 'Leave out one of the edges.';
    end if;
end;
$$;

comment on function queue.check_acyclic(uuid[]) is $$
Refuse a circle among jobs of one statement (RQ006). Edges are only ever made with the waiting
job, so no other circle is possible.
$$;
