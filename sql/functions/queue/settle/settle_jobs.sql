create or replace function queue.settle_jobs(p_worker_id text, p_results jsonb)
returns table (job_id uuid, verdict text)
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
    v_all uuid[];
    v_ids uuid[];
    v_tokens integer[];
    v_results jsonb[];
    v_cpu double precision[];
    v_memory double precision[];
    v_children uuid[];
    v_failed uuid[];
    v_doomed uuid[];
    v_done uuid[];
    v_whole boolean;
    v_doubtful boolean;
    v_item jsonb;
begin
    if current_setting('transaction_isolation') <> 'read committed' then  -- the call costs as much as an index look-up
        perform base.check_read_committed();
    end if;
    if row_security_active('queue.processing_jobs') then
        perform queue.check_sees_jobs();
    end if;
    if p_results is null or jsonb_typeof(p_results) <> 'array' then
        raise exception 'results must be a JSON array of objects, not %', coalesce(jsonb_typeof(p_results), 'null')
            using errcode = 'RQ008', hint = '[{"job_id": …, "token": 1, "outcome": "completed", "result": {}}]';
    end if;

    -- Parse the JSON once, since a batch may hold thousands of jobs, and order it by id, so that rows are locked in that order.
    select
        array_agg(r.job_id), array_agg(r.job_id) filter (where r.outcome = 'completed'),
        array_agg(r.token) filter (where r.outcome = 'completed'), array_agg(r.result) filter (where r.outcome = 'completed'),
        array_agg(r.cpu_seconds) filter (where r.outcome = 'completed'),
        array_agg(r.peak_memory_bytes) filter (where r.outcome = 'completed'),
        bool_or(jsonb_typeof(r.result) <> 'object' or pg_column_size(r.result) > 65536) filter (where r.outcome = 'completed')
    into v_all, v_ids, v_tokens, v_results, v_cpu, v_memory, v_doubtful
    from (
        select r.*
        from jsonb_to_recordset(p_results) as r (
            job_id uuid, token integer, outcome text, result jsonb, cpu_seconds double precision, peak_memory_bytes double precision
        )
        order by r.job_id
    ) as r;

    if v_doubtful then
        perform queue.check_result(r) from unnest(v_results) as r where r is not null;
    end if;

    if cardinality(v_all) > coalesce(cardinality(v_ids), 0) then
        -- What fails may fail its video and those of the jobs that fall with it: lock the owners first, as whoever deletes one does.
        v_failed := array(select i from unnest(v_all) as i where i is not null except select i from unnest(v_ids) as i);
        v_doomed := queue.find_doomed(v_failed);
        perform queue.lock_owners_of(v_failed || v_doomed);
    end if;
    -- Lock all counters that this batch may change at once and in order of ids, after the jobs: otherwise two batches deadlock over
    -- common children. Most jobs have no children, and are locked as they are written.
    if queue.may_have_children(v_all) then
        v_children := array(
            select d.job_id from queue.job_dependencies as d where d.parent_id = any(v_all) and not d.satisfied  -- mutant: counters are locked as they come
        );
    end if;
    if v_children <> '{}' then
        -- Those that fall in one order with those that fail: a child may have the lower id.
        perform from queue.processing_jobs as j where j.id = any(v_all || v_doomed) order by j.id for no key update;  -- mutant: a batch locks as it fails
        perform from queue.blocked as b where b.job_id = any(v_children) order by b.job_id for update;
    end if;

    v_done := queue.complete_batch(p_worker_id, v_ids, v_tokens, v_results, v_cpu, v_memory);  -- mutant: children are released before the parent is locked
    with ended as (
        delete from queue.leases as l where l.job_id = any(v_done) returning l.limits
    )
    insert into queue.gate_events (gate, permits)
    select k, count(*) from ended as e cross join lateral unnest(e.limits) as k group by k order by k;  -- mutant: a batch keeps its permits
    -- Asked again: this statement sees the edge of whoever held a share lock on one of the jobs until now.
    if queue.may_have_children(v_all) then
        perform queue.release_children(v_done);  -- mutant: children are released before the parent is locked (2)
    end if;

    v_whole := v_done is not null and cardinality(v_done) = cardinality(v_ids);
    return query
    select i, case when v_whole or i = any(v_done) then 'ok' else 'lost' end from unnest(v_ids) as i;

    if cardinality(v_all) > coalesce(cardinality(v_ids), 0) then
        for v_item in
            select i from jsonb_array_elements(p_results) as i
            where i ->> 'outcome' is distinct from 'completed'
            order by i ->> 'job_id'
        loop
            job_id := (v_item ->> 'job_id')::uuid;
            verdict := queue.settle_one(p_worker_id, v_item);
            return next;
        end loop;
    end if;
end;
$$;

comment on function queue.settle_jobs(text, jsonb) is $$
End many attempts of a worker in one transaction. A settlement that comes too late changes nothing and
is told as 'lost'; the others are 'ok'.

Arguments
  p_results  [{"job_id", "token", "outcome": "completed|failed|snoozed|released", "result": {…},
              "error_class", "code", "message", "retry_after_s", "stack", "stderr", "cpu_seconds",
              "peak_memory_bytes", "log"}]; for snoozed retry_after_s says how long. log: of what did not complete; queue.complete_job takes
              that of what did

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  not an array, an unknown outcome, or nonsense in one of the objects
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
