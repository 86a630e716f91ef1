create or replace function ops.set_current_secret_key(p_key_id text, p_check_value text, p_instead_of text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current text;
    v_check_value text;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if (p_key_id ~ '^[a-z0-9][a-z0-9-]{0,62}$' and p_check_value ~ '^[0-9a-f]{16}$') is not true then
        raise exception 'a key must have an id of 1 to 63 of a-z, 0-9 and hyphens, and a check value of 16 hex digits, not % and %',
            coalesce(p_key_id, 'null'), coalesce(p_check_value, 'null')
            using errcode = 'RQ008', hint = 'reelq secrets rotate makes keys.';
    end if;

    -- Two hosts may rotate at once: the second sees what the first has done.
    lock table ops.secret_keys in share row exclusive mode;
    v_current := (select s.key_id from ops.secret_keys as s where s.is_current);
    v_check_value := (select s.check_value from ops.secret_keys as s where s.key_id = p_key_id);
    if v_check_value <> p_check_value then
        raise exception 'key % of this host is another one than that of the host which told the database of it', p_key_id
            using errcode = 'RQ017', hint = 'Put that host''s key file here.';
    end if;
    if v_current = p_key_id then
        return;
    end if;
    if v_current is distinct from p_instead_of then  -- mutant: two hosts each make their key current
        raise exception 'the current key is %, not %', coalesce(v_current, 'none yet'), coalesce(p_instead_of, 'none')
            using errcode = 'RQ017', hint = 'Another host has rotated: put its key file here, then go on.';
    end if;

    update ops.secret_keys as s set is_current = false where s.is_current;
    insert into ops.secret_keys as s (key_id, check_value, is_current, current_since)
    values (p_key_id, p_check_value, true, base.clock())
    on conflict on constraint secret_keys_pkey do update set is_current = true, current_since = excluded.current_since, forgotten_at = null;
    perform base.record_act(
        'secrets.rotate', 'secret_key', p_key_id, case when v_current is not null then jsonb_build_object('current', v_current) end,
        jsonb_build_object('current', p_key_id)
    );
end;
$$;

comment on function ops.set_current_secret_key(text, text, text) is $$
Make a key the one that all hosts seal under, unless another host was quicker. The same again changes nothing.

Arguments
  p_key_id, p_check_value  the key's id, and what tells it from another key of that id
  p_instead_of             the key that was current as far as the caller knows; null: there was none

Raises
  42501  the caller is no operator
  RQ002  the transaction is not READ COMMITTED
  RQ008  what is no id or check value
  RQ017  another key is current, or the id is known for another key
$$;
