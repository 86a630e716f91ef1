-- back: drop index media.videos_deleted
-- transaction: none
create index concurrently if not exists videos_deleted on media.videos (deleted_at, id) where deleted_at is not null;
