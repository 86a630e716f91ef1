-- transaction: none
-- back: drop index concurrently media.videos_one_idempotency_key
drop index concurrently if exists media.videos_one_idempotency_key;

create unique index concurrently if not exists videos_one_idempotency_key on media.videos (tenant_id, idempotency_key) where idempotency_key is not null and deleted_at is null;
