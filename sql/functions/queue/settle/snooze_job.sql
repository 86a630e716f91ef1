create or replace function queue.snooze_job(p_job_id uuid, p_token integer, p_for interval, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_for is null or p_for < interval '0' or p_for > interval '1 year' then
        raise exception 'snooze must be between 0 and 1 year, not %', coalesce(p_for::text, 'null')
            using errcode = 'RQ008', hint = 'Give an interval such as 10 minutes.';
    end if;
    -- At least a second: a job that is snoozed for no time would run again at once, for ever, and cost nothing.
    perform queue.requeue_job(p_job_id, p_token, base.clock() + greatest(p_for, interval '1 second'), 'snoozed', left(p_reason, 2000));  -- mutant: a snooze of no time spins
end;
$$;

comment on function queue.snooze_job(uuid, integer, interval, text) is $$
Put a running job back for a while, a second at least. Costs neither an attempt nor a crash. The reason is cut at 2,000 characters.

Raises
  RQ001  lease lost
  RQ008  the interval is negative or longer than a year
$$;
