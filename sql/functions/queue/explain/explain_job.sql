create or replace function queue.explain_job(p_job_id uuid)
returns table (reason text, detail text, advice text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- One probe an edge or a row that is counted, for this and for all that it calls: old statistics would have whole tables hashed.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_now timestamptz := base.clock();
    v_job queue.processing_jobs;
    v_operator boolean := base.is_operator();
begin
    select * into v_job from queue.all_jobs as j where j.id = p_job_id;
    if not found or not identity.may_see(v_job.tenant_id, v_job.user_id) then
        raise exception 'no job %', p_job_id using errcode = 'RQ004', hint = 'Look with: reelq jobs list, or queue.list_jobs().';
    end if;
    if v_job.status <> 'queued' then
        return query select * from queue.explain_started(v_job);
        if v_job.status = 'running' and queue.is_locked(p_job_id) then  -- mutant: a running job is never locked
            return query
            select
                'locked', 'A session that has not ended its transaction holds the row of this job: until then it cannot be settled.',
                case
                    when v_operator then 'select * from queue.health() where finding = ''locks'' names a session that holds it for a minute.'
                    else 'End the transactions that you have open.'
                end;
        end if;
        return;
    end if;

    return query
    with hindrances (reason, detail, advice) as materialized (
        select
            'not_due', format(
                'It is not due until %s, in %s%s.', v_job.scheduled_for, base.format_interval(v_job.scheduled_for - v_now),
                case when v_job.next_retry_at is not null then format(': it backs off after %s', coalesce(v_job.error_code, 'a pause')) else '' end
            ),
            case
                when v_operator and v_job.next_retry_at is not null and queue.remedy_of_code(v_job.error_code) is not null
                    then format('%s Then: reelq jobs run-now %s', queue.remedy_of_code(v_job.error_code), p_job_id)
                when v_operator and v_job.next_retry_at is not null
                    then format('Wait; nothing serves a job before its time. Or, when the cause is mended: reelq jobs run-now %s', p_job_id)
                else 'Wait; nothing serves a job before its time.'
            end
        from queue.scheduled as s
        where s.due = v_job.scheduled_for and s.job_id = p_job_id and s.due > v_now
        union all
        select * from queue.explain_parents(v_job)
        union all
        select
            'paused', case
                when p.scope = 'suspended' then format(
                    'Tenant %s is %s since %s%s.', t.slug, t.status, p.created_at, case when v_operator then ' by ' || p.paused_by end
                )
                else format(
                    '%s is paused since %s%s', concat_ws(' ', case p.scope when 'all' then 'Everything' else p.scope end, case p.scope when 'tenant' then t.slug else nullif(p.key, '') end),
                    p.created_at, case when v_operator then format(' by %s: %s', p.paused_by, p.reason) else '.' end
                )
            end,
            case
                when not v_operator then 'Ask the operator.'
                when p.scope = 'suspended' then format('select identity.set_tenant_status(%L, ''active''); or: reelq tenants activate %s', t.slug, t.slug)
                else format('select queue.resume(%L, %L); or: reelq queue resume %s %s', p.scope, p.key, p.scope, case p.scope when 'tenant' then t.slug else p.key end)
            end
        from queue.pauses as p
        left join identity.tenants as t on p.scope in ('tenant', 'suspended') and t.id = v_job.tenant_id
        where
            p.scope = 'all' or (p.scope = 'job_type' and p.key = v_job.job_type)  -- mutant: explain knows of no pause
            or (p.scope in ('tenant', 'suspended') and p.key = v_job.tenant_id::text)
            or (p.scope = 'channel' and p.key = v_job.channel_id::text) or (p.scope = 'input' and p.key = v_job.asset_id::text)
        union all
        select * from queue.explain_limits(v_job)
        union all
        select * from queue.explain_workers(v_job)
        union all
        select
            'locked', 'A session that has not ended its transaction holds the row of this job: it has enqueued a job that waits for it, or changes it.',
            case
                when v_operator
                    then 'select pid, usename, xact_start, query from pg_stat_activity where state like ''idle in transaction%'' order by xact_start'
                else 'End the transactions that you have open.'
            end
        where queue.is_locked(p_job_id)
    )
    select case h.reason when 'limit_turn' then 'over_limit' else h.reason end, h.detail, h.advice
    from hindrances as h
    -- A free permit is never why a job waits that something else keeps out.
    where h.reason <> 'limit_turn' or not exists (select from hindrances as o where o.reason in ('not_due', 'blocked', 'paused', 'over_limit'));  -- mutant: explain names a free limit beside what holds
    if not found then
        return query select 'claimable', queue.explain_turn(v_job), 'Nothing is to be done: the next free worker takes it in its turn.'::text;
    end if;
end;
$$;

comment on function queue.explain_job(uuid) is $$
Why a job is not running, in words, with what to do: a row for each thing that holds it. The predicates are those of the claim:
'claimable' stands there, alone, if and only if a claim of a live worker takes the job when its turn comes.

Returns
  reason  completed, failed, cancelled, running, not_due, blocked, paused, over_limit, no_worker, locked or claimable; of an archived job how it ended.
          A second row, locked, of a running job: it cannot be settled now

Raises
  RQ004  no such job
$$;
