-- back: nothing to do: what was validated holds as it did before
alter table media.assets validate constraint assets_object_id_fkey;
alter table media.assets validate constraint processed_means_stored_as_object;
alter table media.variants validate constraint variants_object_id_fkey;
alter table media.variants validate constraint object_id_is_there;
