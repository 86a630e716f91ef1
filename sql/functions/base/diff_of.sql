create or replace function base.diff_of(p_before jsonb, p_after jsonb)
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_object_agg(k.key, jsonb_build_object('from', p_before -> k.key, 'to', p_after -> k.key))
    from (
        select jsonb_object_keys(p_before) as key
        union
        select jsonb_object_keys(p_after)
    ) as k
    where (p_before -> k.key) is distinct from (p_after -> k.key) and jsonb_typeof(p_before) = 'object' and jsonb_typeof(p_after) = 'object';
$$;

comment on function base.diff_of(jsonb, jsonb) is $$
What differs between two JSON objects, by key: {"role": {"from": "member", "to": "admin"}}; null in the place of a key that one of them does
not have. Null when nothing differs, or one of them is null.
$$;
