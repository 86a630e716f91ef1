create or replace function queue.notify_ready(p_job_types text[])
returns void
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    v_ms bigint;
    v_type text;
    v_cell text;
    v_mark integer;
    v_last bigint;
begin
    -- Notifying takes a lock that every committing notifier waits for: only while somebody sleeps.
    if not exists (select from queue.listening_workers) then
        return;
    end if;
    v_ms := extract(epoch from pg_catalog.clock_timestamp()) * 1000;
    for v_type in
        select distinct t from unnest(p_job_types) as t
        where exists (select from queue.listening_workers as s where s.types is null or t = any(s.types))
    loop
        -- A cell is a sequence, which no transaction locks: 8 cells, and within one the types tell apart by their mark.
        v_cell := 'queue.notice_' || (hashtext(v_type) & 7);
        v_mark := (hashtext(v_type) >> 3) & 255;
        v_last := pg_catalog.pg_sequence_last_value(v_cell::regclass);
        if v_last is null or (v_last & 255) <> v_mark or (v_last >> 8) not between v_ms - 20 and v_ms then
            perform setval(v_cell::regclass, (v_ms << 8) | v_mark);
            perform pg_notify('reelq_ready', v_type);
        end if;
    end loop;
end;
$$;

comment on function queue.notify_ready(text[]) is $$
Wake sleeping workers that take these types; at most every 20 ms a type, since each notifying commit waits for one lock
of the whole server. A worker looks once more 25 ms after it was woken, and polls all the same.
$$;
