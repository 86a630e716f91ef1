create or replace function queue.count_refused_jobs(p_job_type text, p_options_schema jsonb)
returns table (jobs integer, is_all boolean, job_id uuid, reason text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe a job that waits: old statistics would have whole tables read.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_most constant integer := 1000; -- where counting stops
    v_look constant integer := 10000; -- jobs whose job_data is looked at
    v_pass constant integer := 100000; -- places of all types that are passed over to find them
    v_path constant jsonpath := ('strict ' || queue.options_path(p_options_schema))::jsonpath;
    v_ids uuid[];
    v_is_all boolean;
    v_id uuid;
    v_data jsonb;
    v_refusal text[];
    v_jobs integer := 0;
begin
    with passed as materialized (
        (
            select p_job_type as job_type, r.job_id, 'ready' as place
            from queue.lanes as l
            cross join lateral (select r.job_id from queue.ready as r where r.lane = l.lane limit v_look) as r
            where l.job_type = p_job_type
            limit v_look
        )
        union all
        (select s.job_type, s.job_id, 'scheduled' from queue.scheduled as s order by s.due, s.job_id limit v_pass)
        union all
        (select b.job_type, b.job_id, 'blocked' from queue.blocked as b order by b.job_id limit v_pass)
        union all
        (select p.job_type, p.job_id, 'parked' from queue.parked as p order by p.job_id limit v_pass)
    )
    select
        array(select p.job_id from passed as p where p.job_type = p_job_type limit v_look),
        (select count(*) from passed as p where p.job_type = p_job_type) <= v_look  -- mutant: what was not looked at is taken for sound
        and not exists (select from passed as p group by p.place having count(*) >= case p.place when 'ready' then v_look else v_pass end)
    into v_ids, v_is_all;

    for v_id, v_data in
        select w.id, found.job_data
        from unnest(v_ids) with ordinality as w (id, n)
        cross join lateral (select j.job_data from queue.processing_jobs as j where j.id = w.id offset 0) as found
        -- Most fit: that is told in a microsecond, as at enqueue. What is wrong with one of the others takes a hundred.
        where (found.job_data @@ v_path) is not true
        order by w.n
    loop
        v_refusal := queue.options_refusal(p_job_type, p_options_schema, v_data);
        continue when v_refusal is null;
        v_jobs := v_jobs + 1;
        if v_jobs = 1 then
            job_id := v_id;
            reason := v_refusal[2];
        end if;
        exit when v_jobs >= v_most;
    end loop;
    jobs := v_jobs;
    is_all := v_is_all and v_jobs < v_most;
    return next;
end;
$$;

comment on function queue.count_refused_jobs(text, jsonb) is $$
How many waiting jobs of a type have job_data that an options schema does not take: they were enqueued before it, and a worker that knows
only the new one fails them. One row.

Returns
  jobs    how many; counting stops at 1,000
  is_all  false: there may be more. 10,000 jobs of the type are looked at, among 100,000 of all types in each place
  job_id, reason  one of them and what is wrong with it; null: there is none
$$;
