create or replace function base.uuids_v7(p_count integer)
returns uuid[]
language plpgsql
volatile
parallel safe
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_us bigint;
    v_tail bigint;
    v_step bigint;
begin
    if current_setting('server_version_num')::integer >= 180000 then
        return array(select pg_catalog.uuidv7() from generate_series(1, p_count));
    end if;
    v_us := date_part('epoch', pg_catalog.clock_timestamp()) * 1000000;
    -- One random tail a call and a random step from id to id (RFC 9562, 6.2, method 2): asking for random bytes is most of what an id costs. The
    -- ids are a microsecond apart, and so in order.
    v_tail := ('x' || encode(substring(uuid_send(gen_random_uuid()) from 9), 'hex'))::bit(64)::bigint & ((1::bigint << 61) - 1);
    v_step := (('x' || encode(substring(uuid_send(gen_random_uuid()) from 13), 'hex'))::bit(32)::bigint & ((1::bigint << 32) - 1)) | 1;
    return array(
        select encode(
            int8send(((m.us / 1000) << 16) | 28672 | ((m.us % 1000) * 4096 / 1000))
            || int8send((1::bigint << 63) | (v_tail + m.n * v_step)),
            'hex'
        )::uuid
        from (select n, v_us + n as us from generate_series(0, p_count - 1) as n) as m
    );
end;
$$;

comment on function base.uuids_v7(integer) is $$
As many ids as base.uuid_v7() would make, in order.
$$;
