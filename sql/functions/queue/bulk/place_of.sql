create or replace function queue.place_of(p_job_id uuid, p_status text, p_next_retry_at timestamptz)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_status <> 'queued' then p_status
        when exists (select from queue.ready as r where r.job_id = p_job_id) then 'ready'
        when exists (select from queue.blocked as b where b.job_id = p_job_id) then 'blocked'
        when exists (select from queue.parked as p where p.job_id = p_job_id) then 'parked'
        when p_next_retry_at is not null then 'backing off'
        else 'scheduled'
    end;
$$;

comment on function queue.place_of(uuid, text, timestamptz) is $$
Where a job stands, in the words of queue.job_summary: that column, asked of jobs whose record is at hand.
$$;
