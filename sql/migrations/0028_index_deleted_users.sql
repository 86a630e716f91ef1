-- transaction: none
-- back: drop index concurrently identity.users_deleted_by_email
drop index concurrently if exists identity.users_deleted_by_email;

create index concurrently users_deleted_by_email on identity.users (lower(email)) where deleted_at is not null;
