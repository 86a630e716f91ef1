create or replace function queue.find_circle(p_job_ids uuid[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_ids uuid[];
    v_first integer[];
    v_last integer[];
    v_children integer[];
    v_open integer[];
    v_free integer[];
    v_head integer := 1;
    v_job integer;
    v_child integer;
begin
    -- Number the jobs and put the edges among them into arrays, those of a parent side by side: then every edge is visited once.
    with jobs as materialized (
        select j.id, row_number() over (order by j.id)::integer as n from (select distinct unnest(p_job_ids) as id) as j
    ),
    edges as materialized (
        select parent.n as parent, child.n as child, row_number() over (order by parent.n, child.n)::integer as place
        from queue.job_dependencies as d
        inner join jobs as child on child.id = d.job_id
        inner join jobs as parent on parent.id = d.parent_id
        where d.job_id = any(p_job_ids)
    ),
    parents as materialized (
        select e.parent, min(e.place) as first, max(e.place) as last from edges as e group by e.parent
    ),
    counts as materialized (
        select e.child, count(*)::integer as open from edges as e group by e.child
    )
    select
        array_agg(j.id order by j.n), array_agg(p.first order by j.n), array_agg(p.last order by j.n),
        array_agg(coalesce(c.open, 0) order by j.n),
        array_agg(j.n order by j.n) filter (where c.open is null),
        (select array_agg(e.child order by e.place) from edges as e)
    into v_ids, v_first, v_last, v_open, v_free, v_children
    from jobs as j
    left join parents as p on p.parent = j.n
    left join counts as c on c.child = j.n;

    -- Remove the jobs that wait for none of the rest, until none is left or every one waits.
    while v_head <= coalesce(cardinality(v_free), 0) loop
        v_job := v_free[v_head];
        v_head := v_head + 1;
        continue when v_first[v_job] is null;
        for v_place in v_first[v_job]..v_last[v_job] loop
            v_child := v_children[v_place];
            v_open[v_child] := v_open[v_child] - 1;
            if v_open[v_child] = 0 then
                v_free := v_free || v_child;
            end if;
        end loop;
    end loop;
    return array(select i.id from unnest(v_ids, v_open) as i (id, open) where i.open > 0 order by i.id);
end;
$$;

comment on function queue.find_circle(uuid[]) is $$
Of these jobs, those that wait for one another in a circle, or for such a job; none: there is no circle among them.
$$;
