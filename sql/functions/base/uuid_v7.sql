create or replace function base.uuid_v7()
returns uuid
language plpgsql
volatile
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_us bigint;
begin
    -- The server's own, where it has one: the same bits, and in order within a session. Both read the real clock, not
    -- base.clock(): an id is made once, whatever time a test plays. One text for all servers, so that a dump fits a newer one.
    if current_setting('server_version_num')::integer >= 180000 then
        return pg_catalog.uuidv7();
    end if;
    v_us := date_part('epoch', pg_catalog.clock_timestamp()) * 1000000;
    -- 48 bits of milliseconds, 4 of version, 12 of the millisecond's fraction; the
    -- last 64 bits (variant and 62 random ones) come from a version 4 id as they are.
    return encode(
        int8send(((v_us / 1000) << 16) | 28672 | ((v_us % 1000) * 4096 / 1000))
        || substring(uuid_send(gen_random_uuid()) from 9),
        'hex'
    )::uuid;
end;
$$;

comment on function base.uuid_v7() is $$
A time-ordered id: UUID version 7 with the microseconds in its 12 bits after the version.

Ids sort by creation, and an index on them grows at its right end. Ids made within
the same microsecond sort at random; from PostgreSQL 18 on, where uuidv7() of the
server makes them, those of one session are in order all the same.

Source: RFC 9562, section 5.7 and method 3 of section 6.2, read 2026-11-21;
PostgreSQL 18, "UUID Functions", read 2026-11-27.
$$;
