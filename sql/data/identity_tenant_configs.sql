-- Tenants that were there before their configuration was. Whoever makes one later has it by identity.tg_configure_tenant.
insert into identity.tenant_configs (tenant_id)
select t.id from identity.tenants as t
on conflict (tenant_id) do nothing;
