create or replace function ops.list_deliveries(
    p_webhook_id uuid, p_event_id uuid default null, p_status text default null, p_limit integer default 100, p_after uuid default null
)
returns table (
    job_id uuid, event_id uuid, event_type text, ordering_key text, status text, attempts integer, error_code text, error_message text,
    next_retry_at timestamptz, created_at timestamptz, completed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_webhook ops.webhooks := ops.find_webhook(p_webhook_id);
    v_key text := (select e.ordering_key from ops.events as e where e.event_id = p_event_id limit 1);
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The next ones: p_after, the job of the last.';
    elsif p_status is not null and p_status not in ('queued', 'running', 'completed', 'failed', 'cancelled') then
        raise exception 'status must be queued, running, completed, failed or cancelled, not %', quote_literal(left(p_status, 80))
            using errcode = 'RQ008', hint = 'Leave it out for all.';
    end if;
    return query
    select d.job_id, d.event_id, d.event_type, d.ordering_key, j.status, j.token, j.error_code, j.error_message, j.next_retry_at, d.created_at, j.completed_at
    from ops.webhook_deliveries as d
    inner join queue.all_jobs as j on j.id = d.job_id
    where
        d.webhook_id = v_webhook.id and (p_after is null or d.job_id < p_after)
        and (p_event_id is null or (d.event_id = p_event_id and (v_key is null or d.ordering_key = v_key)))
        and (p_status is null or j.status = p_status)
    order by d.job_id desc
    limit p_limit;
end;
$$;

comment on function ops.list_deliveries(uuid, uuid, text, integer, uuid) is $$
Deliveries to an endpoint, newest first, and how each went; what an attempt met: queue.show_job(job_id).

Arguments
  p_event_id  only of this event
  p_status    only those whose job is queued, running, completed, failed or cancelled
  p_limit     so many at most, 1 to 1000
  p_after     go on below this job

Raises
  RQ004  no such endpoint, or not one that the caller may see
  RQ008  a status or limit that cannot be
$$;
