create or replace function queue.check_job(p_job queue.processing_jobs)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_job.priority not between 1 and 10 then
        raise exception 'priority must be 1 (first) to 10 (last), not %', p_job.priority
            using errcode = 'RQ008', hint = 'Leave it out for the default of the job type.';
    end if;
    if array_position(p_job.needs, null) is not null or p_job.weight > 1000 then
        raise exception 'needs must be words, and weight at most 1000, not % and %', p_job.needs, p_job.weight
            using errcode = 'RQ008', hint = 'Leave them out for those of the job type.';
    end if;
    if exists (select from unnest(p_job.limits) as l where l is null or l !~ '^[a-z0-9][a-z0-9_.:-]{0,99}$') then
        raise exception 'limits must be words of a-z, 0-9 and _ . : -, not %', p_job.limits
            using errcode = 'RQ008', hint = 'Such as youtube:channel7. queue.set_limit(''name:youtube:channel7'', 2) says how many.';
    end if;
    if p_job.max_attempts < 1 or p_job.max_crashes < 1 or p_job.weight < 1 then
        raise exception 'max_attempts, max_crashes and weight must be 1 or more, not %, % and %',
            p_job.max_attempts, p_job.max_crashes, p_job.weight
            using errcode = 'RQ008', hint = 'Leave them out for the defaults of the job type.';
    end if;
    if jsonb_typeof(p_job.job_data) <> 'object' then
        raise exception 'job_data must be a JSON object, not %', jsonb_typeof(p_job.job_data)
            using errcode = 'RQ008', hint = 'Write it as {"key": value}.';
    end if;
    if p_job.on_parent_failure not in ('fail', 'cancel', 'run') then
        raise exception 'on_parent_failure must be fail, cancel or run, not %', quote_literal(p_job.on_parent_failure)
            using errcode = 'RQ008', hint = 'fail is the default.';
    end if;
    if p_job.scheduled_for in ('infinity', '-infinity') then
        raise exception 'scheduled_for must be a time, not %', p_job.scheduled_for using errcode = 'RQ008', hint = 'Leave it out for now.';
    end if;
    if array_position(p_job.depends_on, null) is not null or p_job.id = any(p_job.depends_on) or p_job.id = p_job.depends_on_job_id then
        raise exception 'depends_on of job % must name other jobs, not itself or null', p_job.id
            using errcode = case when array_position(p_job.depends_on, null) is not null then 'RQ008' else 'RQ006' end,
                  hint = 'Name other jobs in depends_on.';
    end if;
    if p_job.idempotency_key = '' or length(p_job.idempotency_key) > 500 then
        raise exception 'idempotency_key must have 1 to 500 characters, not %', length(p_job.idempotency_key)
            using errcode = 'RQ008', hint = 'Leave it out to enqueue every time.';
    end if;
end;
$$;

comment on function queue.check_job(queue.processing_jobs) is $$
Refuse a job whose fields make no sense, with a sentence and a hint that the table's own checks
cannot give.

Raises
  RQ006  the job waits for itself
  RQ008  any other nonsense
$$;
