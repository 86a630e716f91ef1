-- back: alter table media.videos drop column idempotency_key
alter table media.videos add column idempotency_key text;
alter table media.videos add constraint idempotency_key_has_1_to_255_characters check (length(idempotency_key) between 1 and 255) not valid;
comment on column media.videos.idempotency_key is 'A second ingest with it finds this video; unique in the tenant while the video lives; null: none. [internal]';
