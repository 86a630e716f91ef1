create or replace function queue.let_through(p_gate text, p_limit integer, p_counted boolean default false)
returns integer
language plpgsql
volatile
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
    v_plain uuid[] := '{}';
    v_job queue.processing_jobs;
    v_keys text[];
    v_gate text;
begin
    if p_limit < 1 then
        return 0;
    end if;
    with head as materialized (
        select p.ctid as place from queue.parked as p
        where p.gate = p_gate
        order by p.rank, p.seq
        limit p_limit
        for update skip locked
    ),
    moved as (
        delete from queue.parked as p where p.ctid = any(array(select h.place from head as h))
        returning p.job_id, p.rank, p.seq
    )
    select array_agg(m.job_id order by m.rank, m.seq) into v_ids from moved as m;
    if v_ids is null then
        return 0;
    elsif not p_counted then
        perform queue.put_ready(v_ids);
        return cardinality(v_ids);
    end if;

    for v_job in
        select j.* from unnest(v_ids) with ordinality as w (id, n) inner join queue.processing_jobs as j on j.id = w.id order by w.n
    loop
        v_keys := queue.limit_keys(v_job);
        v_gate := queue.pause_gate(v_job, true);
        if v_gate is not null then
            perform queue.park_jobs(array[v_job.id], array[v_gate]);
        elsif v_keys = array[p_gate] then
            v_plain := v_plain || v_job.id;
        else
            v_gate := queue.take_units(v_keys);
            if v_gate is null then
                perform queue.make_ready(array[v_job.id], v_keys);
            else
                perform queue.park_jobs(array[v_job.id], array[v_gate]);
            end if;
        end if;
    end loop;
    if v_plain <> '{}' then
        update queue.limits as l set used = l.used + cardinality(v_plain) where l.limit_key = p_gate;
        perform queue.make_ready(v_plain, array[p_gate]);
    end if;
    return cardinality(v_ids);
end;
$$;

comment on function queue.let_through(text, integer, boolean) is $$
Move the first p_limit jobs behind a gate on: to ready, or behind the next gate that holds them. Returns how many moved.

Arguments
  p_counted  the gate is a limit whose row the caller has locked and which has as many units free
$$;
