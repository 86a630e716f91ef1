-- transaction: none
-- back: drop index concurrently identity.users_by_secret_key
-- Finds the rows that are sealed under one key: for rotation, and for asking whether a key is in use.
drop index concurrently if exists identity.users_by_secret_key;

create index concurrently users_by_secret_key on identity.users (base.envelope_key(two_factor_secret), id)
where two_factor_secret is not null;
