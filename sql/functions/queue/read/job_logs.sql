create or replace function queue.job_logs(p_job_id uuid, p_attempt integer default null)
returns table (attempt integer, outcome text, code text, worker_id text, started_at timestamptz, ended_at timestamptz, log text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    -- What programs print tells of our hosts, as stacks do.
    perform base.check_operator();  -- mutant: tenants read logs
    if not exists (select from queue.all_jobs as j where j.id = p_job_id and identity.may_see(j.tenant_id, j.user_id)) then
        raise exception 'no job %', coalesce(p_job_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    if p_attempt is not null and not exists (select from queue.all_attempts as a where a.job_id = p_job_id and a.attempt = p_attempt) then
        raise exception 'attempt % of job % must have ended', p_attempt, p_job_id
            using errcode = 'RQ004',
                  hint = 'Ended: ' || coalesce((select string_agg(a.attempt::text, ', ' order by a.attempt) from queue.all_attempts as a where a.job_id = p_job_id), 'none');
    end if;
    return query
    select a.attempt, a.outcome, a.code, a.worker_id, a.started_at, a.ended_at, a.log
    from queue.all_attempts as a
    where a.job_id = p_job_id and (p_attempt is null or a.attempt = p_attempt)
    order by a.attempt;
end;
$$;

comment on function queue.job_logs(uuid, integer) is $$
What ffmpeg and ffprobe were called with and printed, by attempt, in the order of attempts. Written when an attempt ends, however it ends; it goes
to the history with the job and is dropped with it. Null where none ran, where the worker vanished, and for all but the latest 20 attempts.
Without secrets, queries of URLs and the places of files on a host. For operators.

Arguments
  p_attempt  null: all of them

Raises
  42501  the caller is no operator
  RQ004  no such job, or no such attempt of it that has ended
$$;
