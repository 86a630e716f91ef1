create or replace function queue.clamp_to_real(p_value double precision)
returns real
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_value <> p_value or p_value is null then null
        when abs(p_value) < 1e-30 then 0
        else least(greatest(p_value, -1e30), 1e30)
    end::real;
$$;

comment on function queue.clamp_to_real(double precision) is $$
A measured number as real, the type that stores it: bounded, and null for NaN. An odd measurement must not make the write fail that
carries it.
$$;
