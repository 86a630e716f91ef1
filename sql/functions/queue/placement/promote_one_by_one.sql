create or replace function queue.promote_one_by_one(p_reason text)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_row record;
    v_moved integer := 0;
begin
    raise warning 'a due job could not be made ready: %', p_reason using hint = 'select * from queue.verify(); reelq doctor --repair';
    for v_row in
        select s.due, s.job_id from queue.scheduled as s
        where s.due <= base.clock() order by s.due, s.job_id limit 200 for update skip locked
    loop
        begin
            delete from queue.scheduled as s where s.due = v_row.due and s.job_id = v_row.job_id;
            perform queue.admit_or_park(array[v_row.job_id]);
            v_moved := v_moved + 1;
        exception
            when others then
                -- It stays scheduled, overdue: queue.health tells of it.
                continue;
        end;
    end loop;
    return v_moved;
end;
$$;

comment on function queue.promote_one_by_one(text) is $$
What queue.promote_due does, when that fails because of a row that was damaged or written past the functions: 200 jobs one by one, each
on its own, so that one bad row holds up nobody else. Returns how many moved.
$$;
