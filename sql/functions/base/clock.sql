create or replace function base.clock()
returns timestamptz
language plpgsql
volatile
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Not now(): that stands still for a whole transaction, and leases are measured in real time.
    return pg_catalog.clock_timestamp();
end;
$$;

comment on function base.clock() is $$
The time, as every function and default of the product reads it.

Read once per call and kept in a variable, so that one call is one moment. Tests
put another function in its place and move time by hand.
$$;
