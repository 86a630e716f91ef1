-- transaction: none
-- back: drop index concurrently media.variants_by_key
drop index concurrently if exists media.variants_by_key;

create index concurrently variants_by_key on media.variants (key);
