create or replace function queue.judge_jobs(
    p_verb text, p_job_ids uuid[], p_priority integer default null, p_at timestamptz default null, p_fallen uuid[] default null
)
returns queue.judged_jobs
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_done uuid[];
    v_along uuid[];
    v_locked uuid[];
    v_stuck uuid[];
    v_rivals uuid[];
    v_judged queue.judged_jobs;
begin
    if p_verb = 'retry' then
        v_along := coalesce(p_fallen, queue.find_failed_descendants(array(
            select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) and j.status in ('failed', 'cancelled')
        )));
        v_locked := v_along;
        v_rivals := queue.steps_of_other_runs(v_along);
        v_done := queue.retryable_jobs(array(select unnest(v_along) except select unnest(v_rivals)));
        v_along := array(select unnest(v_done) except select unnest(p_job_ids));
        v_stuck := array(select unnest(p_job_ids) except select unnest(v_done));
    elsif p_verb = 'cancel' then
        v_along := array(
            select unnest(queue.find_doomed(array(
                select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) and j.status = 'queued'
            )))
            except
            select unnest(p_job_ids)
        );
    end if;
    select
        coalesce(array_agg(told.id), '{}'), coalesce(array_agg(told.job_type), '{}'), coalesce(array_agg(told.outcome), '{}'),
        coalesce(array_agg(told.reason), '{}')
    into v_judged
    from (
        select
            judged.id, judged.job_type,
            case
                when judged.reason is not null then 'refused'
                when p_verb = 'retry' then 'retried'
                when p_verb = 'cancel' then case judged.status when 'running' then 'cancelling' else 'cancelled' end
                when p_verb = 'reprioritise' then case judged.priority when p_priority then 'unchanged' else 'reprioritised' end
                when p_verb = 'run now' then 'due now'
                when judged.scheduled_for = p_at then 'unchanged'
                when judged.place in ('ready', 'parked') and p_at <= v_now then 'unchanged'
                else 'rescheduled'
            end as outcome,
            judged.reason
        from (
            select
                j.id, j.job_type, j.status, j.priority, j.scheduled_for, p.place,
                case p_verb
                    when 'retry' then case
                        when j.status not in ('failed', 'cancelled') then j.status
                        when j.id <> all(v_locked) then 'running'  -- it has failed since the others were locked
                        when j.id = any(v_rivals) then 'another run is at work'
                        when j.id = any(v_stuck) then 'a parent has failed'
                    end
                    when 'cancel' then case when j.status not in ('queued', 'running') then j.status end
                    when 'reprioritise' then case
                        when j.status not in ('queued', 'running') then j.status
                        when p_priority <> j.priority and p_priority < queue.first_priority(j.job_type) then 'too urgent for a tenant'
                    end
                    when 'run now' then case when p.place not in ('scheduled', 'backing off') then p.place end
                    else case when j.status <> 'queued' then j.status end
                end as reason
            from unnest(p_job_ids) as w (id)
            cross join lateral (
                select one.id, one.job_type, one.status, one.priority, one.scheduled_for, one.next_retry_at
                from queue.processing_jobs as one where one.id = w.id
                offset 0
            ) as j
            cross join lateral (
                select case when p_verb in ('run now', 'reschedule') then queue.place_of(j.id, j.status, j.next_retry_at) end as place
                offset 0
            ) as p
        ) as judged
        union all
        select j.id, j.job_type, case p_verb when 'retry' then 'brought back' else 'fallen' end, null
        from unnest(v_along) as w (id)
        cross join lateral (select one.id, one.job_type from queue.processing_jobs as one where one.id = w.id offset 0) as j
    ) as told;
    return v_judged;
end;
$$;

comment on function queue.judge_jobs(text, uuid[], integer, timestamptz, uuid[]) is $$
What a change by hand does with each of these jobs, and with those that go along: the one place that says which jobs can be changed. It
changes nothing: a dry run ends here, and whoever changes jobs asks when he has locked them.

Arguments
  p_verb      retry, cancel, reprioritise, run now or reschedule
  p_priority  the new one, for reprioritise
  p_at        the new time, for reschedule
  p_fallen    what queue.lock_failed_descendants says, when it is known: no other job is retried

Returns
  outcome  retried, cancelled, cancelling (a running one is told), reprioritised, due now, rescheduled, unchanged, refused; brought back:
           a job that had ended because of one that is retried; fallen: a job that waits for one that is cancelled
  reason   of a refused one: its status or place, or what stands in the way
$$;
