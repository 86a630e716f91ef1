-- transaction: none
-- back: drop index concurrently media.assets_by_object, media.variants_by_object
drop index concurrently if exists media.assets_by_object;

create index concurrently if not exists assets_by_object on media.assets (object_id);

drop index concurrently if exists media.variants_by_object;

create index concurrently if not exists variants_by_object on media.variants (object_id);
