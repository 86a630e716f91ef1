create table queue.blocked (
    job_id uuid primary key,
    pending integer not null,
    job_type text not null,
    constraint something_is_pending check (pending > 0)
) with (fillfactor = 50);

comment on table queue.blocked is 'Queued jobs that wait for parents.';
comment on column queue.blocked.job_id is 'The job.';
comment on column queue.blocked.pending is 'How many of its edges are not yet satisfied.';
comment on column queue.blocked.job_type is 'Its type, for counts without the wide table.';
