-- back: nothing to do: a check that was validated holds as it did before; hashes that went are those nobody could log in with
-- 0.1.0 took bcrypt of any cost. One above 14 takes a host seconds to hours for each try, one below 4 there is none: such users reset their password.
update identity.users set password_hash = null where password_hash ~ '^[$]2[aby][$](0[0-3]|1[5-9]|[2-9][0-9])[$]';
alter table identity.users validate constraint password_hash_is_argon2id_or_bcrypt;
