-- The tenant of everything that names none. Its name, tier and weight are the operator's to change.
insert into identity.tenants (slug, name)
values ('default', 'Default tenant')
on conflict (slug) do nothing;
