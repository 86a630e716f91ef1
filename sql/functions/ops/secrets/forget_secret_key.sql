create or replace function ops.forget_secret_key(p_key_id text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_using text;
begin
    perform base.check_operator();
    lock table ops.secret_keys in share row exclusive mode;
    if exists (select from ops.secret_keys as s where s.key_id = p_key_id and s.is_current) then
        raise exception 'key % is the current one', p_key_id
            using errcode = 'RQ009', hint = 'reelq secrets rotate makes another one current first.';
    end if;
    select string_agg(u.table_name || '.' || u.column_name, ', ' order by 1) into v_using
    from ops.list_used_secret_keys() as u where u.key_id = p_key_id;
    if v_using is not null then  -- mutant: a key is forgotten that rows use
        raise exception 'rows of % are sealed under key %', v_using, p_key_id
            using errcode = 'RQ009', hint = 'reelq secrets rotate seals them anew, and names those that do not open: of a user remove them by identity.drop_second_factor.';
    end if;
    update ops.secret_keys as s set forgotten_at = base.clock() where s.key_id = p_key_id and s.forgotten_at is null;
    if found then
        perform base.record_act('secrets.forget', 'secret_key', p_key_id);
    end if;
    return found;
end;
$$;

comment on function ops.forget_secret_key(text) is $$
Note that a key may be removed from the key files, since no row is sealed under it. Returns whether that is new; of a key that the
database has never heard of, false.

Raises
  42501  the caller is no operator
  RQ009  rows are sealed under it, or it is the current one
$$;
