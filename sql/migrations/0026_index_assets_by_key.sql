-- transaction: none
-- back: drop index concurrently media.assets_by_key
drop index concurrently if exists media.assets_by_key;

create index concurrently assets_by_key on media.assets (key);
