create or replace function queue.do_chores(p_now timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_last timestamptz;
begin
    perform queue.promote_due();
    select u.last_run_at into v_last from queue.upkeep as u where u.task = 'rescue';
    if v_last is null or v_last not between p_now - interval '2 seconds' and p_now then
        perform queue.rescue_expired();
    end if;
end;
$$;

comment on function queue.do_chores(timestamptz) is $$
What claiming workers do for the queue in passing, bounded: jobs that are due become ready, and every two
seconds expired leases are taken back.
$$;
