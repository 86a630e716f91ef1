create or replace function queue.change_jobs(
    p_verb text,
    p_filter queue.job_filter,
    p_dry_run boolean,
    p_limit integer,
    p_after text,
    p_new_priority integer default null,
    p_at timestamptz default null,
    p_reason text default null
)
returns table (outcome text, job_type text, reason text, jobs integer, after text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_dry constant boolean := coalesce(p_dry_run, false);
    -- Each call looks at so many, whatever it finds: a rare job among millions takes several calls.
    v_look integer := 20000;
    v_most integer := coalesce(p_limit, case when v_dry then 20000 else 1000 end);
    v_source constant text := queue.job_source(p_filter);
    v_started timestamptz := base.clock();
    v_at timestamptz;
    v_id uuid;
    v_parts text[];
    v_step record;
    v_ids uuid[] := '{}';
    v_judged queue.judged_jobs;
    v_missing queue.judged_jobs;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform queue.check_reason(p_reason);
    if v_most < 1 or (v_most > 10000 and not v_dry) then
        raise exception 'limit must be 1 to 10000, not %', v_most
            using errcode = 'RQ008', hint = 'All is one transaction. Call again with p_after to go on, as the command line does.';
    end if;
    if p_verb = 'reprioritise' and (p_new_priority is null or p_new_priority not between 1 and 10) then
        raise exception 'priority must be 1 (first) to 10 (last), not %', coalesce(p_new_priority::text, 'null')
            using errcode = 'RQ008', hint = '5 is the usual one.';
    end if;
    if p_verb = 'reschedule' then
        perform queue.check_time(p_at);
    end if;
    if p_after is not null then
        v_parts := regexp_match(p_after, $re$^(\d{1,17})/(-?\d{1,17})?/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?\Z$re$);
        if v_parts is null then
            raise exception 'after must be what an earlier call returned, not %', quote_literal(left(p_after, 80))
                using errcode = 'RQ008', hint = 'Leave it out to begin from the start.';
        end if;
        v_started := timestamptz 'epoch' + v_parts[1]::bigint * interval '1 microsecond';
        v_at := timestamptz 'epoch' + v_parts[2]::bigint * interval '1 microsecond';
        v_id := v_parts[3]::uuid;
    end if;
    loop
        select f.* into v_step
        -- Nothing that came after the first call: what is retried and fails again would never end.
        from queue.find_jobs(p_filter, v_source, false, v_at, v_id, v_look, v_most - cardinality(v_ids), v_started) as f;  -- mutant: a bulk retry meets its own failures
        v_ids := v_ids || v_step.job_ids;
        v_at := coalesce(v_step.last_at, v_at);
        v_id := coalesce(v_step.last_id, v_id);
        v_look := v_look - v_step.looked;
        exit when v_step.is_end or v_look <= 0 or cardinality(v_ids) >= v_most;
    end loop;

    if v_dry then
        v_judged := queue.judge_jobs(p_verb, v_ids, p_new_priority, p_at);
    elsif v_ids = '{}' then
        null;
    elsif p_verb = 'retry' then
        v_judged := queue.retry_these(v_ids, p_filter);
    elsif p_verb = 'cancel' then
        v_judged := queue.cancel_these(v_ids, p_reason, p_filter);
    elsif p_verb = 'reprioritise' then
        v_judged := queue.reprioritise_these(v_ids, p_new_priority, p_filter);
    else
        v_judged := queue.reschedule_these(p_verb, v_ids, coalesce(p_at, base.clock()), p_filter);
    end if;
    -- One act a call, whatever it changed: the filter and what became of how many.
    if not v_dry then
        perform base.record_act(
            'jobs.' || case p_verb when 'retry' then 'retried' when 'cancel' then 'cancelled' when 'reprioritise' then 'reprioritised' when 'run now' then 'run_now' else 'rescheduled' end,
            'job', null, p_tenant_id => p_filter.tenant_id,
            p_facts => jsonb_strip_nulls(jsonb_build_object(
                'jobs', sum(told.jobs) filter (where told.outcome not in ('refused', 'unchanged')), 'outcomes', jsonb_object_agg(told.outcome, told.jobs),
                'filter', jsonb_strip_nulls(to_jsonb(p_filter)), 'priority', p_new_priority, 'scheduled_for', p_at, 'reason', p_reason
            ))
        )
        from (select o as outcome, count(*) as jobs from unnest(v_judged.outcomes) as o group by o) as told
        having sum(told.jobs) filter (where told.outcome not in ('refused', 'unchanged')) > 0;  -- mutant: a bulk change is not told
    end if;
    -- Ids that are given are all answered. One answer for another tenant's job and for one that never was.
    if p_filter.job_ids is not null and p_after is null then
        select array_agg(given.id), array_agg(h.job_type), array_agg('refused'::text),
            array_agg(case when h.id is null then 'no such job' else 'in the history' end)
        into v_missing
        from (select distinct u as id from unnest(p_filter.job_ids) as u where u is not null) as given
        left join queue.job_history as h
            on h.id = given.id and (p_filter.tenant_id is null or h.tenant_id = p_filter.tenant_id)  -- mutant: another's archived job is told
        where not exists (
            select from queue.processing_jobs as j
            where j.id = given.id and (p_filter.tenant_id is null or j.tenant_id = p_filter.tenant_id)
        );
    end if;
    return query
    select v.outcome, v.job_type, v.reason, count(*)::integer, null::text
    from unnest(
        v_judged.job_ids || v_missing.job_ids, v_judged.job_types || v_missing.job_types,
        v_judged.outcomes || v_missing.outcomes, v_judged.reasons || v_missing.reasons
    ) as v (job_id, job_type, outcome, reason)
    group by v.outcome, v.job_type, v.reason
    order by v.outcome = 'refused', count(*) desc, v.outcome, v.job_type, v.reason;
    if not v_step.is_end then
        return query select 'more', null::text, null::text, null::integer, format(
            '%s/%s/%s',
            (extract(epoch from v_started) * 1000000)::bigint, (extract(epoch from v_at) * 1000000)::bigint, v_id
        );
    end if;
end;
$$;

comment on function queue.change_jobs(text, queue.job_filter, boolean, integer, text, integer, timestamptz, text) is $$
What queue.retry_jobs, cancel_jobs, reprioritise_jobs, run_jobs_now and reschedule_jobs do: choose up to p_limit jobs among 20,000 that it
looks at, change them together, and say what became of them and whether something is left.

Arguments are those of the five.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit, a priority, a time or an `after` that makes no sense, or a reason that is too long
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
