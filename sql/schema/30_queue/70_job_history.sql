-- The columns are those of queue.processing_jobs, in their order, so that a row moves as it is. A column that is added
-- there is added here by the same migration; a test compares. The checks were passed when the row was written.
create table queue.job_history (
    like queue.processing_jobs including comments,
    constraint job_history_pkey primary key (id, completed_at)
) partition by range (completed_at);

create index job_history_by_video on queue.job_history (video_id, id) where video_id is not null;
create index job_history_by_asset on queue.job_history (asset_id) where asset_id is not null;

create index job_history_by_idempotency_key
on queue.job_history (tenant_id, idempotency_key) where idempotency_key is not null;

-- What a tenant lists, and what an operator lists.
create index job_history_by_tenant on queue.job_history (tenant_id, completed_at);
create index job_history_by_user on queue.job_history (user_id, completed_at) where user_id is not null;
create index job_history_by_status on queue.job_history (status, completed_at);

select base.protect_tenant_rows('queue.job_history');

comment on table queue.job_history is $$
Jobs that are over, moved out of queue.processing_jobs by queue.archive_jobs; one partition a month of completed_at.
A row is never changed. queue.all_jobs shows both tables as one.
$$;
