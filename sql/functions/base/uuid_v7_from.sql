create or replace function base.uuid_v7_from(p_at timestamptz)
returns uuid
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    -- Ids hold no time before 1970: then the answer is the smallest id.
    select (
        lpad(to_hex(greatest(floor(extract(epoch from p_at) * 1000), 0)::bigint), 12, '0') || '70008000000000000000'
    )::uuid;
$$;

comment on function base.uuid_v7_from(timestamptz) is $$
The smallest id that base.uuid_v7() can make at that time: ids made earlier are below it.
$$;
