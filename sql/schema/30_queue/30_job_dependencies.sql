create table queue.job_dependencies (
    parent_id uuid not null,
    job_id uuid not null,
    on_failure text not null,
    satisfied boolean not null,
    created_at timestamptz not null default base.clock(),
    constraint job_dependencies_pkey primary key (parent_id, job_id),
    constraint on_failure_is_known check (on_failure in ('fail', 'cancel', 'run')),
    constraint nobody_waits_for_itself check (parent_id <> job_id)
) with (fillfactor = 80);

create index job_dependencies_by_job on queue.job_dependencies (job_id);

comment on table queue.job_dependencies is 'Edges: job_id waits for parent_id. Made with the waiting job, never added later, so no cycle can arise.';
comment on column queue.job_dependencies.parent_id is 'The job that is waited for.';
comment on column queue.job_dependencies.job_id is 'The job that waits.';
comment on column queue.job_dependencies.on_failure is 'If the parent fails for good or is cancelled, the waiting job shall: fail, cancel, or run all the same.';
comment on column queue.job_dependencies.satisfied is 'The parent has released the job, by completing or by the policy `run`.';
comment on column queue.job_dependencies.created_at is 'When the edge was made.';
