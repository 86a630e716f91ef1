create or replace function base.uuids_v7(p_count integer)
returns uuid[]
language plpgsql
volatile
parallel safe
set search_path = ''
set jit = off
as $$
begin
    -- The expression of base.uuid_v7(): a call a row costs as much again.
    return array(
        select encode(
            int8send(((m.us / 1000) << 16) | 28672 | ((m.us % 1000) * 4096 / 1000))
            || substring(uuid_send(gen_random_uuid()) from 9),
            'hex'
        )::uuid
        from (
            select (date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::bigint as us from generate_series(1, p_count)
        ) as m
        order by 1
    );
end;
$$;

comment on function base.uuids_v7(integer) is $$
As many ids as base.uuid_v7() would make, in order.
$$;
