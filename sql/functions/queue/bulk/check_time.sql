create or replace function queue.check_time(p_at timestamptz)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_at is null or p_at not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' then
        raise exception 'scheduled_for must be a time of the years 1900 to 9998, not %', coalesce(p_at::text, 'null')
            using errcode = 'RQ008', hint = 'Such as now() + interval ''10 minutes''; to start at once: queue.run_job_now.';
    end if;
end;
$$;

comment on function queue.check_time(timestamptz) is $$
Refuse a time to which no job can be moved (RQ008): none, or one that a driver cannot read.
$$;
