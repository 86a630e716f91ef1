create or replace function queue.job_refusal(p_job queue.processing_jobs)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_job.priority not between 1 and 10 then
        return array[
            'RQ008', format('priority must be 1 (first) to 10 (last), not %s', p_job.priority),
            'Leave it out for the default of the job type.'
        ];
    end if;
    if array_position(p_job.needs, null) is not null or p_job.weight > 1000 then
        return array[
            'RQ008', format('needs must be words, and weight at most 1000, not %s and %s', p_job.needs, p_job.weight),
            'Leave them out for those of the job type.'
        ];
    end if;
    if cardinality(p_job.limits) > 20 then  -- mutant: a job under any number of limits
        return array[
            'RQ008', format('limits must be at most 20 words, not %s', cardinality(p_job.limits)),
            'Each claim looks at each limit of a job. Most jobs need one, such as youtube:channel7.'
        ];
    end if;
    if exists (select from unnest(p_job.limits) as l where l is null or l !~ '^([a-z0-9-]{1,50}/)?[a-z0-9][a-z0-9_.:-]{0,99}$') then
        return array[
            'RQ008', format('limits must be words of a-z, 0-9 and _ . : -, not %s', p_job.limits),
            'Such as youtube:channel7. queue.set_limit(''name:youtube:channel7'', 2), of a tenant ''name:acme/youtube:channel7'', says how many.'
        ];
    end if;
    if p_job.max_attempts < 1 or p_job.max_crashes < 1 or p_job.weight < 1 then
        return array[
            'RQ008',
            format('max_attempts, max_crashes and weight must be 1 or more, not %s, %s and %s', p_job.max_attempts, p_job.max_crashes, p_job.weight),
            'Leave them out for the defaults of the job type.'
        ];
    end if;
    if p_job.max_attempts > 1000 and p_job.max_attempts > (select t.max_attempts from queue.job_types as t where t.job_type = p_job.job_type) then  -- mutant: a job that fails for ever
        return array[
            'RQ008', format('max_attempts must be at most 1000, not %s', p_job.max_attempts),
            'Leave it out for the default of the job type.'
        ];
    end if;
    if p_job.on_parent_failure not in ('fail', 'cancel', 'run') then
        return array[
            'RQ008', format('on_parent_failure must be fail, cancel or run, not %s', quote_literal(p_job.on_parent_failure)),
            'fail is the default.'
        ];
    end if;
    if p_job.scheduled_for not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' then  -- mutant: times that a driver cannot read
        return array[
            'RQ008', format('scheduled_for must be a time of the years 1900 to 9998, not %s', p_job.scheduled_for),
            'Leave it out for now.'
        ];
    end if;
    if length(p_job.pipeline_step) > 200 then
        return array[
            'RQ008', format('pipeline_step must have at most 200 characters, not %s', length(p_job.pipeline_step)),
            'A step is named by a word.'
        ];
    end if;
    if array_position(p_job.depends_on, null) is not null or p_job.id = any(p_job.depends_on) or p_job.id = p_job.depends_on_job_id then
        return array[
            case when array_position(p_job.depends_on, null) is not null then 'RQ008' else 'RQ006' end,
            format('depends_on of job %s must name other jobs, not itself or null', p_job.id),
            'Name other jobs in depends_on.'
        ];
    end if;
    if p_job.idempotency_key = '' or length(p_job.idempotency_key) > 500 then
        return array[
            'RQ008', format('idempotency_key must have 1 to 500 characters, not %s', length(p_job.idempotency_key)),
            'Leave it out to enqueue every time.'
        ];
    end if;
    -- A tenant that has such a key in an open transaction would stop queue.run_schedules, which every claim calls.
    if p_job.idempotency_key ~ '^(pipeline:[a-z0-9_-]+:[0-9a-f-]+:)?schedule:'
        and (base.current_tenant() is not null or not base.is_trusted()) then  -- mutant: a tenant takes the key of a tick
        return array[
            'RQ008', format('idempotency_key must not begin with schedule:, as %s does', quote_literal(left(p_job.idempotency_key, 100))),
            'Keys of schedules are for their own jobs. Choose another first word.'
        ];
    end if;
    return queue.job_data_refusal(p_job.job_data);
end;
$$;

comment on function queue.job_refusal(queue.processing_jobs) is $$
Why a new job is refused, when its fields make no sense, in a sentence and with a hint that the table's own checks cannot give:
{SQLSTATE, message, hint}; null: all is well. A value and no error, so that whoever asks raises it: psql prints a line of CONTEXT for every
function that an error passes.
  RQ006  the job waits for itself
  RQ008  any other nonsense
$$;
