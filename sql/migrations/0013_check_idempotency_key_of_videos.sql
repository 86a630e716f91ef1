-- back: nothing to go back
alter table media.videos validate constraint idempotency_key_has_1_to_255_characters;
