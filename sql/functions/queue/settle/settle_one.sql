create or replace function queue.settle_one(p_worker_id text, p_item jsonb)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_job_id uuid := (p_item ->> 'job_id')::uuid;
    v_token integer := (p_item ->> 'token')::integer;
    v_message text := p_item ->> 'message';
begin
    -- Lock and check first: a batch is told of a lost lease by a verdict, not by an exception that would undo its other jobs.
    perform from queue.processing_jobs as j
    where j.id = v_job_id and j.status = 'running' and j.token = v_token and j.worker_id = p_worker_id for no key update;  -- mutant: another worker settles a job
    if not found then
        return 'lost';
    end if;
    case p_item ->> 'outcome'
        when 'failed' then
            perform queue.fail_job(v_job_id, v_token, p_item ->> 'error_class', p_item ->> 'code', v_message, p_item);
        when 'snoozed' then
            perform queue.snooze_job(
                v_job_id, v_token, make_interval(secs => (p_item ->> 'retry_after_s')::double precision), v_message
            );
        when 'released' then
            perform queue.release_job(v_job_id, v_token, v_message);
        else
            raise exception 'outcome must be completed, failed, snoozed or released, not %', coalesce(quote_literal(p_item ->> 'outcome'), 'null')
                using errcode = 'RQ008', hint = 'See queue.settle_jobs.';
    end case;
    if p_item ? 'log' and p_item ->> 'outcome' <> 'failed' then
        update queue.job_attempts as a set log = queue.cut_text(p_item ->> 'log', 32000) where a.job_id = v_job_id and a.attempt = v_token;
    end if;
    return 'ok';
end;
$$;

comment on function queue.settle_one(text, jsonb) is $$
End one attempt that did not complete, as queue.settle_jobs describes. Returns ok, or lost when the lease is.

Raises
  RQ008  unknown outcome, or nonsense in the object
$$;
