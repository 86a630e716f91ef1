create or replace function queue.notify_ready(p_job_types text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
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
    -- pg_notify takes a lock for which all notifying commits wait: notify only while some worker listens.
    if not exists (select from queue.listening_workers) then  -- mutant: notifications while nobody sleeps
        return;  -- mutant: notifications while nobody sleeps
    end if;  -- mutant: notifications while nobody sleeps
    if not queue.may_notify() then  -- mutant: notifications in what is prepared
        return;  -- mutant: notifications in what is prepared
    end if;  -- mutant: notifications in what is prepared
    v_ms := extract(epoch from pg_catalog.clock_timestamp()) * 1000;
    for v_type in
        select distinct t from unnest(p_job_types) as t
        where exists (select from queue.listening_workers as s where s.types is null or t = any(s.types))  -- mutant: notifications while nobody sleeps (2)
    loop
        -- The time of the last notice is kept in a sequence, which no transaction locks: 8 of them, with a part of the type's hash beside it.
        v_cell := 'queue.notice_' || (hashtext(v_type) & 7);
        v_mark := (hashtext(v_type) >> 3) & 255;
        v_last := pg_catalog.pg_sequence_last_value(v_cell::regclass);
        if v_last is null or (v_last & 255) <> v_mark or (v_last >> 8) not between v_ms - 20 and v_ms then  -- mutant: a notification for each job
            perform setval(v_cell::regclass, (v_ms << 8) | v_mark);
            perform pg_notify('reelq_ready', v_type);
        end if;
    end loop;
end;
$$;

comment on function queue.notify_ready(text[]) is $$
Notify listening workers that take these types, at most every 20 ms a type, because each notifying commit waits for one lock of the
whole server. A worker looks once more 25 ms after a notification, and polls in any case. Nothing where queue.may_notify says no.
$$;
