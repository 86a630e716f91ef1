create or replace function ops.list_secret_keys()
returns table (key_id text, check_value text, is_current boolean, current_since timestamptz, forgotten_at timestamptz)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.key_id, s.check_value, s.is_current, s.current_since, s.forgotten_at
    from ops.secret_keys as s where base.is_operator() order by s.created_at, s.key_id;
$$;

comment on function ops.list_secret_keys() is $$
The keys that the database has heard of, oldest first: ids and check values, never a key. For operators; others see none.
$$;
