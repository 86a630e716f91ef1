create or replace function queue.repair_scheduled(p_limit integer)
returns table (job_id uuid)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_row record;
begin
    for v_row in
        select front.due, front.job_id
        from (select s.due, s.job_id from queue.scheduled as s order by s.due, s.job_id limit p_limit) as front
        left join queue.processing_jobs as j on j.id = front.job_id
        where j.id is null or j.status <> 'queued' or j.scheduled_for <> front.due
    loop
        perform from queue.scheduled as s where s.due = v_row.due and s.job_id = v_row.job_id for update skip locked;
        continue when not found;
        perform from queue.processing_jobs as j where j.id = v_row.job_id for no key update skip locked;
        -- Check again under the lock: skip a job that another session holds, and a row that is right by now.
        continue when not found and exists (select from queue.processing_jobs as j where j.id = v_row.job_id);
        continue when exists (
            select from queue.processing_jobs as j
            where j.id = v_row.job_id and j.status = 'queued' and j.scheduled_for = v_row.due
        );
        delete from queue.scheduled as s where s.due = v_row.due and s.job_id = v_row.job_id;
        job_id := v_row.job_id;
        return next;
    end loop;
end;
$$;

comment on function queue.repair_scheduled(integer) is $$
Part of queue.repair: remove rows of queue.scheduled whose job is scheduled for another time, is not queued, or is gone. Looks
at the p_limit rows that are due first: every row comes there before it could do harm.
$$;
