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
    v_left numeric := p_limit;
    v_batch integer;
    v_head record;
    v_want integer;
    v_before numeric;
    v_row record;
    v_ids uuid[] := array[]::uuid[];
    v_ready_at timestamptz[] := array[]::timestamptz[];
    v_lanes integer[] := array[]::integer[];
    v_keys double precision[] := array[]::double precision[];
    v_seqs bigint[] := array[]::bigint[];
begin
    perform base.require_read_committed();
    if p_limit < 0 or p_limit is null then
        raise exception 'limit is %, but 0 or more is meant', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Ask for as many slots as are free.';
    end if;
    select * into v_worker from queue.workers as w where w.worker_id = p_worker_id;
    if not found or v_worker.status = 'stopped' then
        raise exception 'worker % is not registered', quote_literal(p_worker_id)
            using errcode = 'RQ010', hint = 'Call queue.register_worker first.';
    end if;
    if p_lanes is null then
        perform queue.do_chores(v_now);
    end if;
    if v_worker.status = 'draining' then
        return;
    end if;

    -- The heads of the lanes that this worker takes, most urgent first. A job that has waited an
    -- hour counts as one priority higher, so that the last is served too. Two passes: the
    -- second fills what lanes with few jobs, or with rows locked by other claims, left open.
    for v_pass in 1..2 loop
        v_before := v_left;
        for v_head in
            select
                lane.lane, lane.job_type, lane.weight, lane.lower_key, lane.lower_seq,
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
                    and l.weight <= v_left
            ) as lane
            cross join lateral (
                select r.fair_key, r.seq, r.ready_at
                from queue.ready as r
                where r.lane = lane.lane and (r.fair_key, r.seq) > (lane.lower_key, lane.lower_seq)
                order by r.fair_key, r.seq
                limit 1
            ) as head
            order by
                lane.priority - floor(extract(epoch from v_now - head.ready_at) / 3600), head.fair_key, head.seq
        loop
            exit when v_left < 1;
            continue when v_head.weight > v_left;
            select t.batch into v_batch from queue.job_types as t where t.job_type = v_head.job_type;
            -- Lanes of equal urgency share what is left.
            v_want := greatest(1, ceil(v_left * v_batch / v_head.weight / v_head.peers)::integer);
            v_want := least(v_want, floor(v_left * v_batch / v_head.weight)::integer);
            for v_row in
                with best as materialized (
                    -- Also the job is locked without waiting: a session that enqueued a child of it and has
                    -- not committed must hold up neither this claim nor the leases that come with it.
                    select r.ctid as place
                    from queue.ready as r
                    inner join queue.processing_jobs as j on j.id = r.job_id
                    where
                        r.lane = v_head.lane and (r.fair_key, r.seq) > (v_head.lower_key, v_head.lower_seq)
                        and j.status = 'queued'
                    order by r.fair_key, r.seq
                    limit v_want
                    for update of r skip locked for no key update of j skip locked
                )
                delete from queue.ready as r
                where r.ctid = any(array(select b.place from best as b))
                returning r.job_id, r.fair_key, r.seq, r.ready_at
            loop
                v_ids := v_ids || v_row.job_id;
                v_lanes := v_lanes || v_head.lane;
                v_keys := v_keys || v_row.fair_key;
                v_seqs := v_seqs || v_row.seq;
                v_ready_at := v_ready_at || v_row.ready_at;
                v_left := v_left - v_head.weight::numeric / v_batch;
            end loop;
        end loop;
        exit when v_left < 1 or v_left = v_before;
    end loop;
    if v_ids = '{}' then
        return;
    end if;
    v_now := base.clock();

    return query
    with started as (
        update queue.processing_jobs as j
        set
            status = 'running', token = j.token + 1, worker_id = p_worker_id, started_at = v_now, next_retry_at = null
        where j.id = any(v_ids)
        returning j.*
    ),
    leased as (
        insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at)
        select s.id, s.token, p_worker_id, s.job_type, t.lease, v_now + t.lease, v_now, v_now
        from started as s
        inner join queue.job_types as t on t.job_type = s.job_type
    )
    select
        'claimed', s.id, s.token, s.job_type, s.tenant_id, s.user_id, s.video_id, s.asset_id, s.job_data, s.priority,
        s.attempts, s.max_attempts, t.lease, t.time_limit, t.stall_limit, s.weight, s.pipeline_run, s.pipeline_step,
        s.scheduled_for, s.created_at, v_ready_at[place.n], v_lanes[place.n], v_keys[place.n], v_seqs[place.n], t.batch
    from started as s
    inner join queue.job_types as t on t.job_type = s.job_type
    cross join lateral (select array_position(v_ids, s.id) as n) as place;
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

Returns claimed jobs in no order; none while the worker drains. A job's urgency is its priority, plus one
step for every hour it has been ready.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a negative limit
  RQ010  the worker is not registered, or has stopped
$$;
