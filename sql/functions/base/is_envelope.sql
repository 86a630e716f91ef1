create or replace function base.is_envelope(p_sealed bytea)
returns boolean
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_sealed is null then
        return null;
    end if;

    -- version 1, length of the key id, key id, 12 bytes of nonce, at least one of text, 16 of tag
    return octet_length(p_sealed) > 31
        and get_byte(p_sealed, 0) = 1
        and get_byte(p_sealed, 1) between 1 and 64
        and octet_length(p_sealed) > 2 + get_byte(p_sealed, 1) + 12 + 16
        -- In hex, since a CHECK must not fail at bytes that are no text; [A-Za-z0-9._-], so that a key's id can be shown to people.
        and encode(substr(p_sealed, 3, get_byte(p_sealed, 1)), 'hex') ~ '^(2d|2e|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f)+$';  -- mutant: a key id is any bytes
end;
$$;

comment on function base.is_envelope(bytea) is $$
Whether the bytes have the shape of a sealed secret, so that a CHECK can refuse plain text.

An envelope is: one byte version (1), one byte length of the key id (1 to 64), the
key id (of A-Z, a-z, 0-9, dot, hyphen and underscore), 12 bytes nonce, the AES-256-GCM ciphertext (at least 1 byte), 16 bytes tag.
The key never reaches the database. Null in, null out.
$$;
