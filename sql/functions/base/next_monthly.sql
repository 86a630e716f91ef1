create or replace function base.next_monthly(p_day integer, p_after date)
returns date
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_month timestamp := date_trunc('month', p_after::timestamp);
    v_found date;
begin
    -- This month's, else the next one's; the last day where a month has no such day.
    for v_months in 0 .. 1 loop
        v_found := least(
            v_month + make_interval(months => v_months, days => p_day - 1),
            v_month + make_interval(months => v_months + 1) - interval '1 day'  -- mutant: the 31st of a shorter month
        )::date;
        exit when v_found > p_after;
    end loop;
    return v_found;
end;
$$;

comment on function base.next_monthly(integer, date) is $$
The first day after p_after that is the p_day-th of its month, or the last day of a month that has no such day.

Arguments
  p_day  1 to 31
$$;
