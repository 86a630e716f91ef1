create or replace function queue.admit_from_gate(p_gate text, p_limit integer, p_room integer default null)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_head record;
    v_priority smallint := -1;
    v_all smallint[] := '{}';
    v_priorities smallint[];
    v_counts integer[];
    v_ids uuid[] := '{}';
    v_places tid[] := '{}';
    v_urgencies double precision[] := '{}';
    v_classes smallint[] := '{}';
    v_keys double precision[] := '{}';
    v_plain uuid[] := '{}';
    v_row record;
    v_gate text;
    v_moved integer := 0;
    v_taken integer := 0;
    v_on uuid[] := '{}';
    v_gates text[] := '{}';
    v_full text[] := '{}';
begin
    if p_limit < 1 or p_room < 1 then
        return 0;
    end if;
    -- The priorities that wait here, one probe each: mostly one or two.
    loop
        select p.priority into v_head from queue.parked as p
        where p.gate = p_gate and p.priority > v_priority
        order by p.priority, p.fair_key, p.seq limit 1;
        exit when not found;
        v_priority := v_head.priority;
        v_all := v_all || v_priority;
    end loop;
    if v_all = '{}' then
        return 0;
    elsif cardinality(v_all) = 1 then
        v_priorities := v_all;
        v_counts := array[p_limit];
    else
        -- How many of each come next. Each priority goes by turns, and the one whose head is most urgent is next: so a job is as urgent as the
        -- least urgent of those that come before it.
        select array_agg(c.priority order by c.place), array_agg(c.jobs order by c.place) into v_priorities, v_counts
        from (
            select best.priority, count(*)::integer as jobs, min(best.place) as place
            from (
                select u.priority, row_number() over (order by u.urgency, u.priority) as place
                from (
                    select c.priority, max(first.rank) over (partition by c.priority order by first.fair_key, first.seq) as urgency  -- mutant: behind a limit priorities are merged by their heads alone
                    from unnest(v_all) as c (priority)
                    cross join lateral (
                        select p.rank, p.fair_key, p.seq from queue.parked as p
                        where p.gate = p_gate and p.priority = c.priority
                        order by p.fair_key, p.seq
                        limit p_limit
                    ) as first
                ) as u
                order by u.urgency, u.priority
                limit p_limit
            ) as best
            group by best.priority
        ) as c;
    end if;

    for v_try in 1..2 loop
        for v_n in 1..cardinality(v_priorities) loop
            exit when cardinality(v_ids) >= p_limit;
            with head as materialized (
                -- Lock the job as well, as a claim does: whoever cancels or reprioritises it waits, and then finds it at its new place.
                select p.ctid as place, p.job_id, p.rank, p.fair_key, p.seq
                from queue.parked as p
                -- One probe a job, as many as are asked for: with old statistics a join reads all that are parked.
                cross join lateral (
                    select from queue.processing_jobs as j where j.id = p.job_id and j.status = 'queued' for no key update skip locked
                ) as job
                where p.gate = p_gate and p.priority = v_priorities[v_n]
                order by p.fair_key, p.seq
                limit v_counts[v_n]
                for update of p skip locked
            ),
            urgent as (
                select h.*, max(h.rank) over (order by h.fair_key, h.seq) as urgency from head as h
            )
            select
                v_ids || array_agg(u.job_id order by u.fair_key, u.seq), v_places || array_agg(u.place order by u.fair_key, u.seq),
                v_urgencies || array_agg(u.urgency order by u.fair_key, u.seq), v_keys || array_agg(u.fair_key order by u.fair_key, u.seq),
                v_classes || array_agg(v_priorities[v_n]) filter (where u.job_id is not null)
            into v_ids, v_places, v_urgencies, v_keys, v_classes
            from urgent as u;
        end loop;
        exit when v_ids <> '{}' or cardinality(v_all) = 1;
        -- Others hold all of these. What comes after them, of any priority, does not wait for that.
        v_priorities := v_all;  -- mutant: what is locked behind a limit holds up the other priorities
        v_counts := array_fill(p_limit, array[cardinality(v_all)]);
    end loop;
    if v_ids = '{}' then
        return 0;
    end if;
    if cardinality(v_all) > 1 then
        select
            array_agg(u.id order by u.urgency, u.n), array_agg(u.place order by u.urgency, u.n),
            array_agg(u.key order by u.urgency, u.n), array_agg(u.class order by u.urgency, u.n)
        into v_ids, v_places, v_keys, v_classes
        from unnest(v_ids, v_places, v_urgencies, v_keys, v_classes) with ordinality as u (id, place, urgency, key, class, n);
    end if;
    if p_room is null then
        delete from queue.parked as p where p.ctid = any(v_places);
        perform queue.admit_or_park(v_ids);
        return cardinality(v_ids);
    end if;

    for v_row in select g.job_id, g.pause, g.limits from queue.find_gates(v_ids, true) as g order by g.place loop
        exit when v_taken = p_room;
        v_moved := v_moved + 1;
        if v_row.pause is null and v_row.limits = array[p_gate] then
            v_plain := v_plain || v_row.job_id;
            v_taken := v_taken + 1;
            continue;
        end if;
        -- If a limit had no permit for one of these jobs, do not ask it again for the others.
        v_gate := coalesce(
            v_row.pause, (select min(k) from unnest(v_row.limits) as k where k = any(v_full)), queue.acquire_permits(v_row.limits)
        );
        if v_gate is null then
            perform queue.admit_jobs(array[v_row.job_id], v_row.limits);
            v_taken := v_taken + 1;
            continue;
        elsif v_row.pause is null and v_gate <> all(v_full) then
            v_full := v_full || v_gate;
        end if;
        v_on := v_on || v_row.job_id;
        v_gates := v_gates || v_gate;
    end loop;
    delete from queue.parked as p where p.ctid = any(v_places[1:v_moved]);
    if v_on <> '{}' then
        perform queue.park_jobs(v_on, v_gates, true);  -- mutant: a job under two limits goes to the end behind each
    end if;
    if v_plain <> '{}' then
        perform queue.admit_jobs(v_plain, array[p_gate]);
    end if;
    -- Permits that were taken together with those of other limits are counted already.
    update queue.limits as l
    set
        used = l.used + cardinality(v_plain),
        virtual_times = array(  -- mutant: behind a limit the clock stands still
            select coalesce(greatest(l.virtual_times[c.priority], (
                select max(s.key) from unnest(v_classes[1:v_moved], v_keys[1:v_moved]) as s (class, key) where s.class = c.priority
            )), 0)
            from generate_series(1, 10) as c (priority)
            order by c.priority
        )
    where l.limit_key = p_gate;
    return v_moved;
end;
$$;

comment on function queue.admit_from_gate(text, integer, integer) is $$
Move the first jobs behind a gate on, of p_limit that are looked at: to ready, or behind the next gate that holds them. Of each priority by
turns between tenants, and of several priorities the one whose first job is most urgent. Returns how many moved.

Arguments
  p_room  the gate is a limit whose row the caller has locked and which has as many permits free; null: it is no limit, or gone
$$;
