create table queue.dependency_history (
    parent_id uuid not null,
    job_id uuid not null,
    on_failure text not null,
    satisfied boolean not null,
    created_at timestamptz not null,
    archived_at timestamptz not null,
    constraint dependency_history_pkey primary key (parent_id, job_id, archived_at)
) partition by range (archived_at);

create index dependency_history_by_job on queue.dependency_history (job_id);

comment on table queue.dependency_history is 'Edges that left queue.job_dependencies with the first of their two jobs; one partition a month of archived_at.';
comment on column queue.dependency_history.parent_id is 'The job that was waited for.';
comment on column queue.dependency_history.job_id is 'The job that waited.';
comment on column queue.dependency_history.on_failure is 'What it was to do if the parent failed: fail, cancel or run.';
comment on column queue.dependency_history.satisfied is 'Whether the parent had released the job.';
comment on column queue.dependency_history.created_at is 'When the edge was made.';
comment on column queue.dependency_history.archived_at is 'When it was moved.';
