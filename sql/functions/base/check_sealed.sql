create or replace function base.check_sealed(p_sealed bytea)
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current text;
begin
    -- By name, since base knows no room on its right: which keys there are is in ops.
    if to_regclass('ops.secret_keys') is not null then
        execute 'select s.key_id from ops.secret_keys as s where s.is_current' into v_current;
    end if;
    -- Else whoever may set up a second factor could put an old key's id there, and with it keep that key from being forgotten.
    if base.envelope_key(p_sealed) <> v_current then  -- mutant: a secret is sealed under any key
        raise exception 'secrets are sealed under the current key only, which is %, not %', v_current, base.envelope_key(p_sealed)
            using errcode = 'RQ017', hint = 'Another host has rotated: put its key file here; a program at work reads the file anew.';
    end if;
end;
$$;

comment on function base.check_sealed(bytea) is $$
Refuse a new envelope that is not sealed under the current key. While the database knows of no key any will do; whether it opens nobody can tell
where the keys are not.

Raises
  RQ017  another key than the current one of ops.secret_keys
$$;
