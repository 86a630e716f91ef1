-- back: alter table identity.users drop constraint password_hash_is_argon2id_or_bcrypt; hashes of argon2id would have to go before the old check comes back
-- squawk-ignore ban-drop-constraint
alter table identity.users drop constraint password_hash_is_bcrypt;
alter table identity.users add constraint password_hash_is_argon2id_or_bcrypt check (
    case
        when password_hash ~ '^\$argon2id\$v=19\$m=[1-9][0-9]{0,5},t=([1-9]|10),p=([1-9]|1[0-6])\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$'
            then
                substring(password_hash from 'm=([0-9]+)')::integer
                between 8 * substring(password_hash from 'p=([0-9]+)')::integer and 262144
        else password_hash ~ '^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$'
    end
) not valid;
comment on column identity.users.password_hash is 'Secret. argon2id, or bcrypt until the next log-in; made outside the database; null means no log-in by password. [secret]';
