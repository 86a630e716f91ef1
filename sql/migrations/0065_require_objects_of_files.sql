-- back: set bucket and key of variants not null again, and put the check of key in the place of that of object_id
-- squawk-ignore-file ban-drop-constraint, ban-drop-not-null, renaming-object, adding-not-nullable-field
-- The functions of this version write the objects alone.
alter table media.variants alter column object_id set not null, alter column bucket drop not null, alter column key drop not null;
alter table media.variants drop constraint object_id_is_there;
alter table media.assets drop constraint processed_means_stored;
alter table media.assets rename constraint processed_means_stored_as_object to processed_means_stored;
