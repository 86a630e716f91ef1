create or replace function queue.record_strike(p_job queue.processing_jobs, p_error_class text, p_code text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_strikes integer;
begin
    if p_job.asset_id is null then
        return;
    end if;
    insert into queue.strikes (asset_id, job_id, attempt, error_class, code)
    values (p_job.asset_id, p_job.id, p_job.token, p_error_class, p_code);
    -- Strikes older than 30 days do not count: failures so far apart are hardly the input's fault.
    select count(*) into v_strikes from queue.strikes as s
    where s.asset_id = p_job.asset_id and s.created_at > base.clock() - interval '30 days';
    -- If an operator pauses or resumes the input at this moment, do not wait: that call decides.
    if v_strikes >= queue.setting('poison_strikes')::integer
        and pg_try_advisory_xact_lock(hashtext('reelq.pause_input'), hashtext(p_job.asset_id::text)) then
        insert into queue.pauses (scope, key, reason, paused_by)
        values ('input', p_job.asset_id, format('It failed or killed %s attempts, last with %s.', v_strikes, p_code), 'poison guard')
        on conflict do nothing;
    end if;
end;
$$;

comment on function queue.record_strike(queue.processing_jobs, text, text) is $$
The poison guard: an attempt failed by its input, or killed with its worker. After as many within 30
days as the setting poison_strikes says, whatever the jobs, all jobs of the input are held until somebody calls queue.resume('input', its asset's id).
$$;
