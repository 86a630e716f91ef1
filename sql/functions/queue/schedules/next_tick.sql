create or replace function queue.next_tick(p_cron text, p_time_zone text, p_after timestamptz)
returns timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_fields text[];
    v_minutes integer[];
    v_hours integer[];
    v_days integer[];
    v_months integer[];
    v_weekdays integer[];
    v_either boolean;
    v_day_fits boolean;
    v_weekday_fits boolean;
    v_day date;
    v_last date;
    v_tick timestamptz;
begin
    if (p_after between '1900-01-01 00:00Z' and '9990-01-01 00:00Z') is not true then  -- mutant: a tick after the end of time
        raise exception 'after must be a time of the years 1900 to 9989, not %', coalesce(p_after::text, 'null')
            using errcode = 'RQ008', hint = 'Such as now().';
    end if;
    v_fields := regexp_split_to_array(
        case btrim(lower(p_cron collate "C"))
            when '@hourly' then '0 * * * *' when '@daily' then '0 0 * * *' when '@midnight' then '0 0 * * *' when '@weekly' then '0 0 * * 0'
            when '@monthly' then '0 0 1 * *' when '@yearly' then '0 0 1 1 *' when '@annually' then '0 0 1 1 *' else btrim(p_cron)
        end, '[[:space:]]+'
    );
    if cardinality(v_fields) is distinct from 5 then
        raise exception 'schedule must have five fields (minute, hour, day, month, weekday), not %', coalesce(quote_literal(left(p_cron, 80)), 'null')
            using errcode = 'RQ008', hint = 'As in a crontab: "15 3 * * *" is 3:15 every day; or @hourly, @daily, @weekly, @monthly, @yearly.';
    end if;
    v_minutes := queue.cron_field(v_fields[1], 'minute', 0, 59);
    v_hours := queue.cron_field(v_fields[2], 'hour', 0, 23);
    v_days := queue.cron_field(v_fields[3], 'day', 1, 31);
    v_months := queue.cron_field(v_fields[4], 'month', 1, 12, array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']);
    v_weekdays := queue.cron_field(v_fields[5], 'weekday', 0, 7, array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']);
    -- Days are those of either field when both are restricted, as in every cron.
    v_either := v_fields[3] not like '*%' and v_fields[5] not like '*%';

    v_day := (p_after at time zone p_time_zone)::date;
    v_last := v_day + 366 * 8; -- 29 February may be eight years away
    while v_day <= v_last loop
        if extract(month from v_day) <> all(v_months) then
            v_day := (date_trunc('month', v_day::timestamp) + interval '1 month')::date;
            continue;
        end if;
        v_day_fits := extract(day from v_day) = any(v_days)
            or (32 = any(v_days) and extract(day from v_day + 1) = 1);  -- mutant: the last day is the 31st
        v_weekday_fits := extract(dow from v_day) = any(v_weekdays) or extract(isodow from v_day) = any(v_weekdays); -- Sunday is 0 and 7
        if (v_day_fits and v_weekday_fits) or (v_either and (v_day_fits or v_weekday_fits)) then
            if v_fields[2] like '*%' then
                -- By the hour: real time counts, so that an hour that comes twice has its ticks twice.
                select min(t) into v_tick
                from generate_series(
                    v_day::timestamp at time zone p_time_zone, (v_day + 1)::timestamp at time zone p_time_zone, interval '1 minute'
                ) as t
                where
                    t > p_after and (t at time zone p_time_zone)::date = v_day
                    and extract(hour from t at time zone p_time_zone) = any(v_hours)
                    and extract(minute from t at time zone p_time_zone) = any(v_minutes);
            else
                -- At fixed hours: once a day and time. A time that the clock leaves out comes as much later as the clock jumps.
                select min(l.t) into v_tick
                from (
                    select (v_day + make_interval(hours => h, mins => m)) at time zone p_time_zone as t
                    from unnest(v_hours) as h cross join unnest(v_minutes) as m
                ) as l
                where l.t > p_after;
            end if;
            if v_tick is not null then
                return v_tick;
            end if;
        end if;
        v_day := v_day + 1;
    end loop;
    raise exception 'schedule must name a day that comes, not %', quote_literal(left(p_cron, 80))
        using errcode = 'RQ008', hint = 'The 30th of February never comes.';
end;
$$;

comment on function queue.next_tick(text, text, timestamptz) is $$
The first moment after p_after that a cron expression names, read in a time zone.
  select queue.next_tick('15 3 * * *', 'Europe/Berlin', now());

The day of the month may be L, its last day: '0 4 L * *', or '0 4 1,15,L * *'.

Where clocks change: a fixed time that does not exist comes as much later as the clock jumps; one that exists twice comes once; a
schedule by the hour (* or */n) follows real time.

Raises
  RQ008  it is no cron expression, or names no day that comes; p_after is no time of the years 1900 to 9989
$$;
