create or replace function queue.explain_started(p_job queue.processing_jobs)
returns table (reason text, detail text, advice text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_lease queue.leases;
    v_key constant text := case when p_job.idempotency_key is not null then ', under another key.' else '.' end;
begin
    reason := p_job.status;
    if p_job.status = 'completed' then
        detail := format('It completed at %s, in attempt %s.', p_job.completed_at, p_job.token);
        advice := 'Enqueue a new job to do the work again' || v_key;
    elsif p_job.status = 'running' then
        select * into v_lease from queue.leases as l where l.job_id = p_job.id;
        detail := format('It has been running for %s%s', base.format_interval(v_now - v_lease.started_at), queue.explain_progress(v_lease));
        advice := case
            when queue.silence_of(v_lease) is not null or v_lease.expires_at < v_now then queue.explain_rescue(p_job, v_lease)
            when v_lease.cancel_requested_at is not null then 'It was asked to stop and does so within seconds.'
            else format('Wait, or: reelq jobs cancel %s', p_job.id)
        end;
    else
        detail := format(
            'It %s at %s%s%s', case p_job.status when 'failed' then 'failed for good' else 'was cancelled' end,
            p_job.completed_at, ' (' || p_job.error_code || ')', ': ' || p_job.error_message
        );
        detail := rtrim(detail, '.') || '.';  -- most messages are sentences
        advice := format('Mend the cause, then: reelq jobs retry %s', p_job.id);
        if not exists (select from queue.processing_jobs as j where j.id = p_job.id) then
            advice := 'It is in the history and cannot be retried: enqueue the work anew' || v_key;
        elsif queue.archived_parent(p_job.id) is not null then
            advice := format('It waited for job %s, which is in the history; neither can be retried: enqueue the work anew.', queue.archived_parent(p_job.id));
        elsif p_job.error_class = 'worker_lost' then
            detail := detail || format(' Its worker vanished %s times while it ran.', p_job.crashes);
            advice := format(
                'It may be innocent: all jobs that a worker holds are charged when it vanishes. Look who ran beside it; then: reelq jobs retry %s', p_job.id
            );
        end if;
    end if;
    return next;
end;
$$;

comment on function queue.explain_started(queue.processing_jobs) is $$
What queue.explain_job says of a job that is not queued: that it runs, or how it ended.
$$;
