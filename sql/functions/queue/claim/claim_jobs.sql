create or replace function queue.claim_jobs(
    p_worker_id text,
    p_limit integer,
    p_lanes integer[] default null,
    p_fair_keys double precision[] default null,
    p_seqs bigint[] default null
)
returns setof queue.claimed_job
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_worker queue.workers;
    v_seen record;
    v_gated boolean := false;
    v_paused text[] := '{}';
    v_free numeric := p_limit;
    v_free_before numeric;
    v_head record;
    v_wanted integer;
    v_got queue.claimed_batch;
    v_taken queue.claimed_batch;
    v_emptied boolean;
    v_more boolean;
    v_backlog integer := 0;
    v_parked integer := 0;
    v_parked_now integer;
    v_parked_before integer;
    v_lanes integer[] := p_lanes;
begin
    if current_setting('transaction_isolation') <> 'read committed' then  -- the call costs as much as an index look-up
        perform base.check_read_committed();
    end if;
    if row_security_active('queue.processing_jobs') then
        perform queue.check_sees_jobs();
    end if;
    if p_limit < 0 or p_limit is null then
        raise exception 'limit must be 0 or more, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Ask for as many slots as are free.';
    end if;
    if p_lanes is null then
        perform queue.run_due_maintenance(p_worker_id, v_now);
    end if;
    -- Usually no gate is set and nothing has changed at one: the query that reads the worker finds that out.
    select
        w as worker, exists (select from queue.gate_events) as has_events,
        exists (select from queue.pauses) or exists (select from queue.limits) as has_gates
    into v_seen
    from queue.workers as w
    where w.worker_id = p_worker_id;
    v_worker := v_seen.worker;
    if not found or v_worker.status = 'stopped' then
        raise exception 'worker % must be registered before it claims', quote_literal(left(p_worker_id, 80))
            using errcode = 'RQ010', hint = 'Call queue.register_worker first.';
    end if;
    if v_seen.has_gates and exists (select from queue.limits as l where l.backlog) then
        v_backlog := queue.park_backlog();  -- mutant: what comes after a limit overtakes what was there before it
        v_parked := v_backlog;
    end if;
    if v_seen.has_events then
        perform queue.admit_parked();
        if v_backlog > 0 then
            -- What comes in now may lie below the bounds of this worker.
            v_lanes := null;
        end if;
    end if;
    if v_worker.status = 'draining' or v_worker.drain_requested_at is not null or p_limit = 0 then  -- mutant: a draining worker claims
        return;
    end if;
    if v_worker.trouble is not null then  -- mutant: a host in trouble claims
        return;
    end if;
    if v_seen.has_gates or v_seen.has_events then
        if exists (select from queue.pauses as p where p.scope = 'all') then
            return;
        end if;
        v_gated := queue.has_gates();
        v_paused := array(select p.key from queue.pauses as p where p.scope = 'job_type');
    end if;

    -- Walk over the lanes, most urgent first. Further passes fill the slots that are left because lanes had few jobs, rows that
    -- other claims had locked, or jobs that gates hold.
    for v_pass in 1..20 loop
        v_free_before := v_free;
        v_parked_before := v_parked;
        v_more := false;
        <<heads>>
        for v_head in
            select h.* from queue.lane_heads(v_worker, p_limit, v_paused, v_now, v_lanes, p_fair_keys, p_seqs) as h
        loop
            exit when v_free < 1;
            if v_head.weight > v_free then
                -- Keep slots free for a heavy job: light ones would take every slot that becomes free, and it would wait for ever.
                exit heads when queue.reserve_slots(v_head.lane, p_worker_id, v_now, v_head.ready_at);
                continue;
            end if;
            loop
                -- Lanes of equal urgency share the slots that are free.
                v_wanted := least(
                    greatest(1, ceil(v_free * v_head.batch / v_head.weight / v_head.peers)::integer),
                    floor(v_free * v_head.batch / v_head.weight)::integer  -- mutant: a batch takes too much
                );
                exit when v_wanted < 1;
                v_got := queue.take_ready(v_head.lane, v_head.lower_key, v_head.lower_seq, v_wanted);
                exit when v_got.job_ids is null;
                v_emptied := cardinality(v_got.job_ids) < v_wanted;
                v_more := v_more or not v_emptied;
                v_parked_now := 0;
                if v_gated then
                    v_parked_now := cardinality(v_got.job_ids);
                    v_got := queue.park_gated(v_got);
                    v_parked_now := v_parked_now - coalesce(cardinality(v_got.job_ids), 0);
                    v_parked := v_parked + v_parked_now;
                end if;
                if v_got.job_ids is not null then
                    perform queue.move_lane_clock(v_head.lane, v_got.fair_keys, v_got.seqs, v_now);
                    v_taken := case when v_taken.job_ids is null then v_got else queue.concat_batches(v_taken, v_got) end;
                    v_free := v_free - cardinality(v_got.job_ids) * v_head.weight::numeric / v_head.batch;
                    if v_head.weight > 1 then
                        perform queue.end_reservation(v_head.lane, p_worker_id);
                    end if;
                end if;
                -- If gates parked part of this batch, take the lane's next rows. If they parked all of it, a backlog may follow that is older
                -- than the limit or the pause: park that in large sets, and see below whether one of the parked jobs gets a permit.
                if v_got.job_ids is null and v_parked_now > 0 then
                    exit when v_parked - v_parked_before >= 1000;
                    v_parked := v_parked + queue.park_ahead(v_head.lane, v_head.lower_key, v_head.lower_seq, 1000);
                    exit;
                end if;
                exit when v_parked_now = 0 or v_parked >= 1000;
            end loop;
        end loop heads;
        -- End when no lane gave as many as were asked for: then none has more. If gates parked jobs, go on until 1,000 are parked, or
        -- 10,000 while the hands are empty.
        exit when v_free < 1 or ((v_free = v_free_before or not v_more or v_pass >= 3) and v_parked = v_parked_before)
            or ((v_pass > 1 or v_backlog > 0) and v_parked >= case when v_free < p_limit then 1000 else 10000 end);
        if v_parked > v_parked_before then
            -- Jobs that were parked just now may find a free permit at once. First lease the jobs in hand: their permits must be in leases
            -- when a limit is counted now.
            if v_taken.job_ids is not null then  -- mutant: permits in the hands of a claim are not counted
                return query select s.* from queue.start_jobs(p_worker_id, v_taken) as s;
                v_taken := null;
            end if;
            perform queue.admit_parked();
            -- What comes in now may lie below the bounds of this worker.
            v_lanes := null;
        end if;
    end loop;
    if cardinality(v_taken.job_ids) <= 10 then
        return query select s.* from queue.start_few_jobs(p_worker_id, v_taken) as s;
    elsif v_taken.job_ids is not null then
        return query select s.* from queue.start_jobs(p_worker_id, v_taken) as s;
    end if;
end;
$$;

comment on function queue.claim_jobs(text, integer, integer[], double precision[], bigint[]) is $$
Take up to p_limit slots' worth of ready jobs for a registered worker, and lease them.

Arguments
  p_limit      free slots; a job takes weight / batch of them (batch is the type's, 1 for real work)
  p_lanes, p_fair_keys, p_seqs
               lower bounds: the greatest (fair_key, seq) that this worker took from each lane. With
               them the claim steps over index entries that are dead but cannot be cleaned yet. Null is
               a full look, which also finds what lies below (retries, late commits), moves due
               jobs and takes back expired leases: call it so once a second.

Returns claimed jobs, most urgent first; none while the worker drains or its host is in trouble, or all is paused. A job's urgency is its priority, plus
one step for every hour it has been ready. A heavy job that has headed the line for a minute keeps slots of one worker free
until it fits.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a negative limit
  RQ010  the worker is not registered, or has stopped
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
