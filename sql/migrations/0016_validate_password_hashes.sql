-- back: nothing to do: a check that was validated holds as it did before
alter table identity.users validate constraint password_hash_is_argon2id_or_bcrypt;
