create or replace function queue.fail_job(
    p_job_id uuid,
    p_token integer,
    p_error_class text,
    p_code text,
    p_message text,
    p_facts jsonb default '{}'
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_doomed uuid[];
begin
    if p_error_class is null or p_error_class not in ('transient', 'rate_limited', 'permanent', 'cancelled', 'worker_lost') then
        raise exception 'error class must be transient, rate_limited, permanent, cancelled or worker_lost, not %', coalesce(quote_literal(p_error_class), 'null')
            using errcode = 'RQ008', hint = 'See queue.retry_policies for what follows each.';
    end if;
    if p_code is null or p_code !~ '^[a-z][a-z0-9_]{0,62}$' then
        raise exception 'error code must be a word of a-z, 0-9 and _, not %', coalesce(quote_literal(left(p_code, 80)), 'null')
            using errcode = 'RQ008', hint = 'Such as unreadable_media.';
    end if;
    v_doomed := queue.find_doomed(array[p_job_id]);
    if v_doomed <> '{}' then
        perform base.check_read_committed();
        -- Those that fall with the job may be of other videos, and have lower ids: parts of a fan-out are younger than who waits for them.
        perform queue.lock_owners_of(array[p_job_id] || v_doomed);
        if exists (select from unnest(v_doomed) as d where d < p_job_id) then
            perform from queue.processing_jobs as j where j.id = any(array[p_job_id] || v_doomed) order by j.id for no key update;  -- mutant: a failure locks as it goes
        end if;
    end if;
    return queue.settle_failure(queue.lock_running_job(p_job_id, p_token), p_error_class, p_code, left(p_message, 2000), p_facts);  -- mutant: a message of any length
end;
$$;

comment on function queue.fail_job(uuid, integer, text, text, text, jsonb) is $$
End a running attempt with an error. The retry policy of type and class decides whether the job goes back to
the queue. Returns the new status: queued, failed or cancelled.

Arguments
  p_token        the fencing token that the claim returned
  p_error_class  transient, rate_limited, permanent, cancelled, worker_lost
  p_code         stable word; p_message is one sentence that tenants may read, cut at 2,000 characters
  p_facts        {"retry_after_s", "stack", "stderr", "cpu_seconds", "peak_memory_bytes", "log"}, all optional. Of stack and stderr the last 16,000
                 characters are kept, of log 32,000, with a line that says so; the worker keeps as many

Raises
  RQ001  lease lost
  RQ008  unknown class, or a code that is no plain word
$$;
