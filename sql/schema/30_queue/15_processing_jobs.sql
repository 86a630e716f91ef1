-- The record: one wide row a job. No index and no index predicate names a column that changes,
-- and pages keep half their room, so that start and end of a job are HOT updates.
create table queue.processing_jobs (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid,
    user_id uuid,
    video_id uuid,
    asset_id uuid,
    job_type text not null,
    priority smallint not null,
    status text not null default 'queued',
    status_changed_at timestamptz not null default base.clock(),
    scheduled_for timestamptz not null,
    token integer not null default 0,
    attempts integer not null default 0,
    max_attempts integer not null,
    crashes integer not null default 0,
    max_crashes integer not null,
    weight integer not null,
    needs text[] not null,
    worker_id text,
    started_at timestamptz,
    completed_at timestamptz,
    duration_ms bigint,
    next_retry_at timestamptz,
    job_data jsonb not null default '{}',
    result_data jsonb,
    error_class text,
    error_code text,
    error_message text,
    depends_on_job_id uuid,
    depends_on uuid[],
    on_parent_failure text not null default 'fail',
    idempotency_key text,
    pipeline_run uuid,
    pipeline_step text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    limits text[] not null default '{}',
    channel_id uuid,
    constraint status_is_known check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
    constraint priority_is_1_to_10 check (priority between 1 and 10),
    constraint on_parent_failure_is_known check (on_parent_failure in ('fail', 'cancel', 'run')),
    constraint job_data_is_an_object check (jsonb_typeof(job_data) = 'object'),
    constraint result_is_a_small_object check (
        result_data is null or (jsonb_typeof(result_data) = 'object' and pg_column_size(result_data) <= 65536)
    ),
    constraint max_attempts_is_positive check (max_attempts >= 1),
    constraint budgets_are_not_overdrawn check (attempts <= max_attempts and crashes <= max_crashes),
    constraint running_means_started check (status <> 'running' or (worker_id is not null and started_at is not null and token > 0)),
    constraint over_means_completed_at check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

create index processing_jobs_by_video on queue.processing_jobs (video_id, id) where video_id is not null;
-- Who deletes an asset finds its jobs; jobs without one do not pay for it.
create index processing_jobs_by_asset on queue.processing_jobs (asset_id) where asset_id is not null;

-- What a tenant lists; jobs of the platform itself do not pay for it.
create index processing_jobs_by_tenant on queue.processing_jobs (tenant_id, id) where tenant_id is not null;

-- What a user lists, and what goes when one is erased.
create index processing_jobs_by_user on queue.processing_jobs (user_id, id) where user_id is not null;

create unique index processing_jobs_by_idempotency_key
on queue.processing_jobs (tenant_id, idempotency_key) nulls not distinct
where idempotency_key is not null;

select base.protect_tenant_rows('queue.processing_jobs');
-- Whoever was granted these by mistake meets no row: the functions alone change a job.
create policy nobody_updates on queue.processing_jobs as restrictive for update to reelq_app, reelq_readonly using (false);
create policy nobody_deletes on queue.processing_jobs as restrictive for delete to reelq_app, reelq_readonly using (false);

comment on table queue.processing_jobs is $$
Every job, whatever its state: the record that all readers may trust. Enqueue with
queue.enqueue_job(...) or a plain INSERT naming job_type and what you know; triggers fill and check
the rest. After that a job changes only through the functions of this schema (RQ007 otherwise).
Where a job can be FOUND lies in narrow tables: queue.ready, scheduled, blocked, parked (queued),
leases (running), dead_letters (failed). Tenant, user and video are checked in the triggers, not by
foreign keys: three foreign keys cost more at enqueue than the row and its indexes together.
$$;
comment on column queue.processing_jobs.id is 'Time-ordered UUID (version 7): ids sort by creation.';
comment on column queue.processing_jobs.tenant_id is 'Owner; filled from the video when not given. Null: a job of the platform itself.';
comment on column queue.processing_jobs.user_id is 'For whom; filled from the video when not given.';
comment on column queue.processing_jobs.video_id is 'The video that is worked on; null for work that is about none.';
comment on column queue.processing_jobs.asset_id is 'The file that is worked on; filled from the video when not given.';
comment on column queue.processing_jobs.job_type is 'A row of queue.job_types.';
comment on column queue.processing_jobs.priority is '1 (first) to 10 (last); null on insert: the type''s default.';
comment on column queue.processing_jobs.status is 'queued, running, completed, failed (dead letter) or cancelled.';
comment on column queue.processing_jobs.status_changed_at is 'When the status last changed.';
comment on column queue.processing_jobs.scheduled_for is 'Not before this time; after a failed attempt the end of the back-off.';
comment on column queue.processing_jobs.token is 'Fencing token: number of the latest claim. Only grows; a write with another number is refused (RQ001).';
comment on column queue.processing_jobs.attempts is 'Attempts charged so far: those that ended in an error the job raised.';
comment on column queue.processing_jobs.max_attempts is 'The job fails for good when attempts reach it.';
comment on column queue.processing_jobs.crashes is 'Attempts whose worker vanished.';
comment on column queue.processing_jobs.max_crashes is 'The job fails for good when crashes reach it.';
comment on column queue.processing_jobs.weight is 'Slots of a worker that the job takes.';
comment on column queue.processing_jobs.needs is 'Capabilities that the worker must offer.';
comment on column queue.processing_jobs.worker_id is 'Worker of the latest attempt.';
comment on column queue.processing_jobs.started_at is 'Start of the latest attempt.';
comment on column queue.processing_jobs.completed_at is 'When the job was over, in whichever way.';
comment on column queue.processing_jobs.duration_ms is 'Length of the last attempt in milliseconds, once the job is over.';
comment on column queue.processing_jobs.next_retry_at is 'End of the back-off while the job waits for another attempt, else null.';
comment on column queue.processing_jobs.job_data is 'Arguments of the handler: a JSON object whose keys are the fields of its Args.';
comment on column queue.processing_jobs.result_data is 'Small facts (64 kB at most) that the handler returned; media lie in the store.';
comment on column queue.processing_jobs.error_class is 'Class of the latest error: transient, rate_limited, permanent, cancelled, worker_lost.';
comment on column queue.processing_jobs.error_code is 'Stable word for the latest error, such as unreadable_media.';
comment on column queue.processing_jobs.error_message is 'One sentence for people; stack and stderr are in queue.job_attempts.';
comment on column queue.processing_jobs.depends_on_job_id is 'Accepted on insert: one parent. Becomes an edge of queue.job_dependencies.';
comment on column queue.processing_jobs.depends_on is 'The parents as asked for at enqueue; the edges are in queue.job_dependencies.';
comment on column queue.processing_jobs.on_parent_failure is 'When a parent fails for good or is cancelled this job shall: fail, cancel, or run all the same.';
comment on column queue.processing_jobs.idempotency_key is 'A second enqueue of the tenant with this key returns the first job.';
comment on column queue.processing_jobs.pipeline_run is 'The run of a pipeline that the job is a step of: the id of the job that the run began with. One video''s.';
comment on column queue.processing_jobs.pipeline_step is 'Name of the step within the pipeline.';
comment on column queue.processing_jobs.created_at is 'When the job was enqueued.';
comment on column queue.processing_jobs.updated_at is 'When the row last changed.';
comment on column queue.processing_jobs.limits is 'Named limits that the job is under besides those of its type and tenant.';
comment on column queue.processing_jobs.channel_id is 'The channel that the job is for; null: none.';
