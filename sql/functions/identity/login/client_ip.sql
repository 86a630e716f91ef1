create or replace function identity.client_ip()
returns inet
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return nullif(current_setting('reelq.client_ip', true), '')::inet;
exception
    when data_exception then
        return null;
end;
$$;

comment on function identity.client_ip() is $$
The address that the caller's own caller has: the setting reelq.client_ip; null when it is missing or none.
$$;
