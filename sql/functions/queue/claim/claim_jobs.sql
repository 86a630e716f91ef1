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
set search_path = ''
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
    v_has_events boolean;
    v_held boolean;
    v_gated boolean := false;
    v_paused text[] := '{}';
    v_left numeric := p_limit;
    v_before numeric;
    v_head record;
    v_type queue.job_types;
    v_want integer;
    v_got queue.claimed_batch;
    v_all queue.claimed_batch;
    v_parked integer := 0;
    v_looked integer := 0;
    v_short boolean;
    v_more boolean;
begin
    perform base.check_read_committed();
    if p_limit < 0 or p_limit is null then
        raise exception 'limit must be 0 or more, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Ask for as many slots as are free.';
    end if;
    select * into v_worker from queue.workers as w where w.worker_id = p_worker_id;
    if not found or v_worker.status = 'stopped' then
        raise exception 'worker % must be registered before it claims', quote_literal(p_worker_id)
            using errcode = 'RQ010', hint = 'Call queue.register_worker first.';
    end if;
    if p_lanes is null then
        perform queue.run_due_maintenance(v_now, v_worker);
    end if;
    -- Usually no gate is set and nothing has changed at one: a single query finds that out.
    select exists (select from queue.gate_events), exists (select from queue.pauses) or exists (select from queue.limits)
    into v_has_events, v_held;
    if v_has_events then
        perform queue.admit_parked();
    end if;
    if v_worker.status = 'draining' or v_worker.drain_requested_at is not null or p_limit = 0 then
        return;
    end if;
    if v_held or v_has_events then
        if exists (select from queue.pauses as p where p.scope = 'all') then
            return;
        end if;
        v_gated := queue.has_gates();
        v_paused := array(select p.key from queue.pauses as p where p.scope = 'job_type');
    end if;

    -- Walk over the heads of the lanes that this worker takes, most urgent first. A job that has waited an hour counts as one
    -- priority higher, so that the last is served too. Further passes fill the slots that are left because lanes had few jobs
    -- or rows that other claims had locked.
    for v_pass in 1..3 loop
        v_before := v_left;
        v_more := false;
        <<heads>>
        for v_head in
            select
                lane.lane, lane.job_type, lane.weight, lane.lower_key, lane.lower_seq, head.ready_at,
                count(*) over (partition by lane.priority - floor(extract(epoch from v_now - head.ready_at) / 3600)) as peers
            from (
                select
                    l.lane, l.job_type, l.weight, l.priority,
                    coalesce(p_fair_keys[array_position(p_lanes, l.lane)], '-infinity') as lower_key,
                    coalesce(p_seqs[array_position(p_lanes, l.lane)], 0) as lower_seq
                from queue.lanes as l
                where
                    (v_worker.types is null or l.job_type = any(v_worker.types))
                    and l.needs <@ v_worker.capabilities
                    and l.weight <= greatest(p_limit, v_worker.slots)
                    and l.job_type <> all(v_paused)
            ) as lane
            cross join lateral (
                select r.fair_key, r.seq, r.ready_at
                from queue.ready as r
                where r.lane = lane.lane and (r.fair_key, r.seq) > (lane.lower_key, lane.lower_seq)
                order by r.fair_key, r.seq
                limit 1
            ) as head
            order by
                lane.priority - floor(extract(epoch from v_now - head.ready_at) / 3600), head.seq
        loop
            exit when v_left < 1;
            if v_head.weight > v_left then
                -- Keep slots free for a heavy job: light ones would take every slot that becomes free, and it would wait for ever.
                exit heads when queue.reserve_slots(v_head.lane, p_worker_id, v_now, v_head.ready_at);
                continue;
            end if;
            select * into v_type from queue.job_types as t where t.job_type = v_head.job_type;
            loop
                -- Lanes of equal urgency share the slots that are left.
                v_want := least(
                    greatest(1, ceil(v_left * v_type.batch / v_head.weight / v_head.peers)::integer),
                    floor(v_left * v_type.batch / v_head.weight)::integer
                );
                exit when v_want < 1;
                with best as materialized (
                    -- Lock the job too, and skip it if that would wait: a session that has enqueued a child of it and not committed must
                    -- hold up neither this claim nor the leases that come with it.
                    select r.ctid as place
                    from queue.ready as r
                    cross join lateral (
                        select from queue.processing_jobs as j
                        where j.id = r.job_id and j.status = 'queued' for no key update skip locked
                    ) as job
                    where r.lane = v_head.lane and (r.fair_key, r.seq) > (v_head.lower_key, v_head.lower_seq)
                    order by r.fair_key, r.seq
                    limit v_want
                    for update of r skip locked
                ),
                gone as (
                    delete from queue.ready as r
                    where r.ctid = any(array(select b.place from best as b))
                    returning r.job_id, r.fair_key, r.seq, r.ready_at, r.limits
                )
                select
                    array_agg(g.job_id), array_agg(g.fair_key), array_agg(g.seq), array_agg(g.ready_at),
                    array_agg(array_to_string(g.limits, ' '))
                into v_got.job_ids, v_got.fair_keys, v_got.seqs, v_got.ready_ats, v_got.limits
                from gone as g;
                exit when v_got.job_ids is null;
                v_short := cardinality(v_got.job_ids) < v_want;
                v_more := v_more or not v_short;
                v_want := cardinality(v_got.job_ids);
                if v_gated then
                    v_got := queue.park_gated(v_got);
                    v_want := v_want - coalesce(cardinality(v_got.job_ids), 0);
                    v_parked := v_parked + v_want;
                else
                    v_want := 0;
                end if;
                if v_got.job_ids is not null then
                    -- Move the lane's clock four times a second at most: each write leaves a dead row, and every enqueue reads the row. But move it
                    -- always when the lane is empty now: later jobs must not come in below the bounds of the worker that emptied it.
                    if v_short or not exists (
                        select from queue.lane_clocks as c
                        where c.lane = v_head.lane and c.moved_at between v_now - interval '250 milliseconds' and v_now
                    ) then
                        update queue.lane_clocks as c
                        set virtual_time = greatest(c.virtual_time, (select max(k) from unnest(v_got.fair_keys) as k)), moved_at = v_now
                        where c.lane = any(array(select k.lane from queue.lane_clocks as k where k.lane = v_head.lane for no key update skip locked));
                    end if;
                    v_got.lanes := array_fill(v_head.lane, array[cardinality(v_got.job_ids)]);
                    v_all := case when v_all.job_ids is null then v_got else queue.concat_batches(v_all, v_got) end;
                    v_left := v_left - cardinality(v_got.job_ids) * v_head.weight::numeric / v_type.batch;
                    if v_head.weight > 1 then
                        delete from queue.reservations as r where r.lane = v_head.lane and r.worker_id = p_worker_id;
                    end if;
                end if;
                -- If gates parked part of this batch, take the lane's next rows; stop after 1,000 parked.
                exit when v_want = 0 or v_parked >= 1000;
            end loop;
        end loop heads;
        -- End when no lane gave as many as were asked for: then none has more.
        exit when v_left < 1 or ((v_left = v_before or not v_more) and v_parked = v_looked);
        if v_parked > v_looked then
            -- Jobs that were parked just now may find a free permit at once. First lease the jobs in hand: their permits must be in leases when
            -- a limit is counted now.
            if v_all.job_ids is not null then
                return query select * from queue.start_jobs(p_worker_id, v_all);
                v_all := null;
            end if;
            perform queue.admit_parked();
            v_looked := v_parked;
        end if;
    end loop;
    -- The same as queue.start_jobs, without hash joins: for ten jobs or fewer their set-up would cost more than the rest.
    if cardinality(v_all.job_ids) <= 10 then
        v_now := base.clock();
        return query
        with started as (
            update queue.processing_jobs as j
            set
                status = 'running', status_changed_at = v_now, updated_at = v_now, token = j.token + 1, worker_id = p_worker_id, started_at = v_now, next_retry_at = null
            from queue.job_types as t
            where j.id = any(v_all.job_ids) and t.job_type = j.job_type
            returning
                j.id, j.token, j.job_type, j.tenant_id, j.user_id, j.video_id, j.asset_id, j.job_data, j.priority, j.attempts,
                j.max_attempts, t.lease, t.time_limit, t.stall_limit, j.weight, j.pipeline_run, j.pipeline_step,
                j.scheduled_for, j.created_at, t.batch, array_position(v_all.job_ids, j.id) as place
        ),
        leased as (
            insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at, limits)
            select
                s.id, s.token, p_worker_id, s.job_type, s.lease, v_now + s.lease, v_now, v_now,
                string_to_array(v_all.limits[s.place], ' ')
            from started as s
        )
        select
            'claimed', s.id, s.token, s.job_type, s.tenant_id, s.user_id, s.video_id, s.asset_id, s.job_data, s.priority,
            s.attempts, s.max_attempts, s.lease, s.time_limit, s.stall_limit, s.weight, s.pipeline_run, s.pipeline_step,
            s.scheduled_for, s.created_at, v_all.ready_ats[s.place], v_all.lanes[s.place], v_all.fair_keys[s.place],
            v_all.seqs[s.place], s.batch
        from started as s
        order by s.place;
    elsif v_all.job_ids is not null then
        return query select * from queue.start_jobs(p_worker_id, v_all);
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

Returns claimed jobs, most urgent first; none while the worker drains or all is paused. A job's urgency is its priority, plus
one step for every hour it has been ready. A heavy job that has headed the line for a minute keeps slots of one worker free
until it fits.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a negative limit
  RQ010  the worker is not registered, or has stopped
$$;
