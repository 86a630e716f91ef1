-- transaction: none
-- back: drop index concurrently identity.users_admins, identity.users_with_bcrypt
drop index concurrently if exists identity.users_admins;

create index concurrently if not exists users_admins on identity.users (tenant_id) where role = 'admin' and deleted_at is null;

drop index concurrently if exists identity.users_with_bcrypt;

create index concurrently if not exists users_with_bcrypt on identity.users (id) where password_hash like '$2%' and deleted_at is null;
