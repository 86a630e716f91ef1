create or replace function queue.has_gates()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from queue.limits)
        or exists (select from queue.pauses as p where p.scope in ('tenant', 'suspended', 'channel', 'input'));
end;
$$;

comment on function queue.has_gates() is $$
Whether any limit or any pause of a tenant, channel or input is set; while none is, nothing is spent on them.
$$;
