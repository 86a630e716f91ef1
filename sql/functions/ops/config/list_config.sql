create or replace function ops.list_config(p_under text default null)
returns table (
    key text, value_type text, value jsonb, is_default boolean, default_value jsonb, min_value numeric, max_value numeric, choices text[],
    description text, is_set boolean, updated_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        c.key, c.value_type, coalesce(c.value, c.default_value), c.value is null and c.sealed_value is null, c.default_value, c.min_value, c.max_value, c.choices,
        c.description, c.value is not null or c.sealed_value is not null, c.updated_at
    from ops.system_config as c, base.check_operator()
    where p_under is null or starts_with(c.key, p_under || '.')
    order by c.key;
$$;

comment on function ops.list_config(text) is $$
The keys of ops.system_config with what holds, by name. Of a secret it says whether one is set. For operators and workers.

Arguments
  p_under  only keys that begin with this word and a dot, as worker; null: all

Raises
  42501  the caller acts for a tenant
$$;
