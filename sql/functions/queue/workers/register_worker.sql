create or replace function queue.register_worker(
    p_worker_id text,
    p_host text,
    p_pid integer,
    p_version text,
    p_pool text,
    p_slots integer,
    p_types text[] default null,
    p_capabilities text[] default '{}',
    p_process_key text default null,
    p_beat_interval interval default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_unknown text;
begin
    perform queue.check_sees_jobs();
    if coalesce(p_worker_id, '') = '' or p_slots is null or p_slots < 1 or cardinality(p_types) = 0 then
        raise exception 'a worker must have a name, 1 slot or more and at least 1 type (null: all), not %, % and %',
            coalesce(quote_literal(left(p_worker_id, 80)), 'null'), coalesce(p_slots::text, 'null'), coalesce(p_types::text, 'null')
            using errcode = 'RQ008', hint = 'An empty list of types would never be given anything.';
    end if;
    if p_beat_interval <= interval '0' then
        raise exception 'beat interval must be above 0, not %', p_beat_interval
            using errcode = 'RQ008', hint = 'Null: it is not told, and two seconds are taken for it.';
    end if;
    select t into v_unknown from unnest(p_types) as t
    where not exists (select from queue.job_types as known where known.job_type = t) limit 1;
    if found then
        raise exception 'no job type %', quote_literal(v_unknown)
            using errcode = 'RQ003', hint = 'A handler of your own whose type has no row yet: run reelq job-types sync. All types: reelq job-types list';
    end if;
    insert into queue.workers as w (worker_id, host, pid, version, pool, slots, types, capabilities, process_key, beat_interval)
    values (p_worker_id, p_host, p_pid, p_version, p_pool, p_slots, p_types, coalesce(p_capabilities, '{}'), p_process_key, p_beat_interval)
    on conflict (worker_id) do update
    set
        host = excluded.host, pid = excluded.pid, version = excluded.version, pool = excluded.pool, slots = excluded.slots,
        types = excluded.types, capabilities = excluded.capabilities, process_key = excluded.process_key, beat_interval = excluded.beat_interval,
        status = 'active', drain_requested_at = null, last_beat_at = base.clock(), trouble = null, remedy = null;
end;
$$;

comment on function queue.register_worker(text, text, integer, text, text, integer, text[], text[], text, interval) is $$
Make a worker known, or known anew: only then may it claim.

Arguments
  p_worker_id     new at every start of a process: host:pool:pid:random
  p_slots         how many jobs of weight 1 it runs at once
  p_types         job types that it takes; null: all
  p_capabilities  what it offers to jobs with needs, such as av1
  p_process_key   boot id and PID namespace of its host
  p_beat_interval  how often it means to beat; three of these without a beat, and 15 seconds, and people are told that it is silent

Raises
  RQ003  no such job type
  RQ008  no name, no slot, an empty list of types, or a beat interval of nothing
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
