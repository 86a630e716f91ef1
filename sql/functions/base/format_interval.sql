create or replace function base.format_interval(p_span interval)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when s < 100 then round(s) || ' s'
        when s < 6000 then round(s / 60) || ' min'
        when s < 360000 then round(s / 3600) || ' h'
        else round(s / 86400) || ' days'
    end
    from (select greatest(extract(epoch from p_span), 0) as s) as span;
$$;

comment on function base.format_interval(interval) is $$
A time span for people: 40 s, 12 min, 3 h, 5 days.
$$;
