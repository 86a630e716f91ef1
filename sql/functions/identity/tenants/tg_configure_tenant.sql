create or replace function identity.tg_configure_tenant()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into identity.tenant_configs (tenant_id) values (new.id) on conflict (tenant_id) do nothing;
    return null;
end;
$$;

comment on function identity.tg_configure_tenant() is $$
Trigger (after insert, for each row): a new tenant has a configuration.
$$;

create or replace trigger configure_tenant after insert on identity.tenants
for each row execute function identity.tg_configure_tenant();
