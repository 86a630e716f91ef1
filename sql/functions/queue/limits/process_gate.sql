create or replace function queue.process_gate(p_gate text, p_limit integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_limit queue.limits;
    v_max integer;
    v_released integer;
    v_room integer;
    v_now_moved integer;
    v_moved integer := 0;
    v_open boolean := false;
begin
    if p_gate not like 'pause:%' then
        select * into v_limit from queue.limits as l where l.limit_key = p_gate for no key update skip locked;
        -- Leave the events for the next look while another session works on this limit or has not committed its row. The row is
        -- looked for again in a statement after the lock, whose snapshot sees what was committed before the lock.
        if not v_limit.counted or (v_limit.limit_key is null and not queue.lock_limit_key(p_gate)) then
            return 0;
        elsif v_limit.limit_key is null and exists (
            select from queue.limits as l
            where l.limit_key = p_gate or (l.limit_key = 'tenant:*' and p_gate like 'tenant:%')
        ) then
            return 0;
        end if;
        v_max := coalesce(v_limit.max_running, (select l.max_running from queue.limits as l where l.limit_key = 'tenant:*'));
    end if;

    with taken as (
        delete from queue.gate_events as o
        -- Leave the events that this transaction itself wrote for a pause: nobody else sees them before we commit, and the pause
        -- may end before that. Whoever looks after our commit takes them.
        where o.id = any(array(
            select u.id from queue.gate_events as u
            where u.gate = p_gate and (u.transaction_id <> pg_current_xact_id() or p_gate not like 'pause:%')
            for update skip locked
        ))
        returning o.permits
    )
    select sum(t.permits) into v_released from taken as t;
    if v_released is null then
        return 0;
    end if;

    if v_limit.limit_key is null or v_max is null then
        -- A pause that has ended or a limit that was dropped: move all jobs on, except those that another gate holds.
        delete from queue.limits as l where l.limit_key = v_limit.limit_key;
        v_open := not exists (select from queue.pauses as p where 'pause:' || p.scope || ':' || p.key = p_gate);
        if v_open then
            v_moved := queue.admit_from_gate(p_gate, p_limit);
        end if;
    else
        update queue.limits as l set used = l.used - v_released where l.limit_key = p_gate and v_released <> 0;
        loop
            v_room := v_max - (select l.used from queue.limits as l where l.limit_key = p_gate);
            v_now_moved := queue.admit_from_gate(
                p_gate, least(case when v_moved = 0 then v_room else greatest(v_room, 200) end, p_limit - v_moved), v_room
            );
            -- If jobs moved to another gate and took no permit here, take the next ones; stop when none moves.
            exit when v_now_moved = 0;
            v_moved := v_moved + v_now_moved;
        end loop;
        v_open := exists (select from queue.limits as l where l.limit_key = p_gate and l.used < v_max);
    end if;
    -- If jobs are left behind an open gate (p_limit was reached, or others hold their locks), ask for another look.
    if v_open and exists (select from queue.parked as p where p.gate = p_gate) then
        insert into queue.gate_events (gate, permits) values (p_gate, 0);
    end if;
    return v_moved;
end;
$$;

comment on function queue.process_gate(text, integer) is $$
Consume the events of one gate (released permits, an ended pause), and move up to p_limit of its jobs on, as far as it is open. Returns
how many moved.
$$;
