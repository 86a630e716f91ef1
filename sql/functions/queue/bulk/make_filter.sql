create or replace function queue.make_filter(
    p_verb text,
    p_visible uuid,
    p_status text,
    p_job_type text,
    p_video_id uuid,
    p_place text,
    p_code text,
    p_tenant text,
    p_since timestamptz,
    p_until timestamptz,
    p_pool text,
    p_worker text,
    p_priority integer,
    p_job_ids uuid[],
    p_all boolean
)
returns queue.job_filter
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_filter queue.job_filter;
    -- backing_off and backing-off are as good as backing off.
    v_place text := translate(lower(p_place), '_-', '  ');
    v_status text := p_status;
    v_may constant text[] := case p_verb
        when 'retry' then '{failed,cancelled}'
        when 'cancel' then '{queued,running}'
        when 'reprioritise' then '{queued,running}'
        when 'list' then '{queued,running,completed,failed,cancelled}'
        else '{queued}'
    end;
begin
    if p_verb <> 'list' then
        perform identity.check_may_write();
    end if;
    if v_status <> all(v_may) then
        raise exception 'status% must be %, not %',
            case when p_verb <> 'list' then format(' of jobs to %s', p_verb) else '' end,
            regexp_replace(array_to_string(v_may, ', '), $re$, (\w+)\Z$re$, $re$ or \1$re$), quote_literal(v_status)
            using errcode = 'RQ008', hint = case p_verb
                when 'list' then 'Leave it out for jobs of every status.'
                else 'Look first: reelq jobs list, or queue.list_jobs.'
            end;
    end if;
    if v_place not in ('ready', 'scheduled', 'backing off', 'blocked', 'parked', 'running', 'dead letter') then
        raise exception 'place must be ready, scheduled, backing off, blocked, parked, running or dead letter, not %', quote_literal(left(p_place, 80))
            using errcode = 'RQ008', hint = 'Where a job stands; sql/README.md draws the places.';
    end if;
    if v_place is not null then
        v_status := case v_place when 'running' then 'running' when 'dead letter' then 'failed' else 'queued' end;
        if p_status <> v_status or v_status <> all(v_may) then
            raise exception 'place must be one of jobs that are %, not %',
                coalesce(p_status, regexp_replace(array_to_string(v_may, ', '), $re$, (\w+)\Z$re$, $re$ or \1$re$)), quote_literal(left(p_place, 80))
                using errcode = 'RQ008', hint = format('Jobs in this place are %s.', v_status);
        end if;
        v_place := nullif(nullif(v_place, 'running'), 'dead letter');
    end if;
    if p_verb = 'run now' and v_place not in ('scheduled', 'backing off') then
        raise exception 'place of jobs to run now must be scheduled or backing off, not %', quote_literal(left(p_place, 80))
            using errcode = 'RQ008', hint = 'Others wait for something else than their time: queue.explain_job tells what.';
    end if;
    if p_job_type is not null and not exists (select from queue.job_types as t where t.job_type = p_job_type) then
        raise exception 'no job type %', quote_literal(left(p_job_type, 80))
            using errcode = 'RQ003', hint = queue.known_types(p_job_type);
    end if;
    if p_since not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' or p_until not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' then  -- mutant: since and until that are no times
        raise exception 'since and until must be times of the years 1900 to 9998, not %', concat_ws(' and ', p_since, p_until)
            using errcode = 'RQ008', hint = 'Leave one out for no bound.';
    end if;
    if p_since >= p_until then
        raise exception 'since must be before until, not % and %', p_since, p_until
            using errcode = 'RQ008', hint = 'Both are times; until is left out for now.';
    end if;
    if p_priority not between 1 and 10 then
        raise exception 'priority must be 1 (first) to 10 (last), not %', p_priority
            using errcode = 'RQ008', hint = 'Leave it out for jobs of every priority.';
    end if;
    if p_tenant is not null then
        v_filter.tenant_id := identity.find_tenant(p_tenant);
    else
        v_filter.tenant_id := p_visible;
    end if;
    if p_pool is not null or p_worker is not null then
        perform base.check_operator();
    end if;
    if p_pool is not null and not exists (select from queue.workers as w where w.pool = p_pool) then
        raise exception 'no worker of pool %', quote_literal(left(p_pool, 80))
            using errcode = 'RQ004',
                  hint = coalesce('Known: ' || (select string_agg(distinct w.pool, ', ' order by w.pool) from queue.workers as w), 'No worker has ever registered.');
    end if;
    if p_worker is not null and not exists (select from queue.workers as w where w.worker_id = p_worker) then
        raise exception 'no worker %', quote_literal(left(p_worker, 80))
            using errcode = 'RQ004', hint = 'Look with: reelq workers list --all, or queue.list_workers(true).';
    end if;
    if p_verb <> 'list' and not coalesce(p_all, false) and num_nonnulls(
        p_status, p_job_type, p_video_id, p_place, p_code, p_tenant, p_since, p_until, p_pool, p_worker, p_priority, p_job_ids
    ) = 0 then  -- mutant: nothing chosen means all
        raise exception 'jobs to % must be chosen, not left open', p_verb
            using errcode = 'RQ008', hint = 'Such as p_job_type => ''no_op'', p_job_ids => array[…]; all that there are: p_all => true.';
    end if;

    v_filter.statuses := case
        when v_status is not null then array[v_status]
        when p_verb = 'list' or p_job_ids is not null then null
        when p_verb = 'retry' then '{failed}'
        when p_verb = 'cancel' then '{queued,running}'
        else '{queued}'
    end;
    v_filter.place := case when p_verb = 'run now' and v_place is null and p_job_ids is null then 'not due' else v_place end;
    v_filter.job_type := p_job_type;
    v_filter.code := p_code;
    v_filter.since := p_since;
    v_filter.until := p_until;
    v_filter.pool := p_pool;
    v_filter.worker_id := p_worker;
    v_filter.video_id := p_video_id;
    v_filter.priority := p_priority;
    v_filter.job_ids := p_job_ids;
    v_filter.user_id := identity.limited_to();
    return v_filter;
end;
$$;

comment on function queue.make_filter(
    text, uuid, text, text, uuid, text, text, text, timestamptz, timestamptz, text, text, integer, uuid[], boolean
) is $$
Check what somebody asks for, and say which jobs that is. Without a status: those that the verb is about. For retry that are failed
jobs, for cancel queued and running ones, for the others queued ones; of ids that are given all, so that each is answered.

Arguments
  p_verb     list, retry, cancel, reprioritise, run now or reschedule
  p_visible  what queue.visible_tenant says: whose jobs the caller may see
  p_all      whether all jobs may be meant, when nothing else is given

Raises
  RQ003  no such job type
  RQ004  no such tenant, pool or worker
  RQ008  a value that makes no sense, or nothing chosen
  RQ016  a viewer wants to change jobs
  42501  pool or worker asked for by an application
$$;
