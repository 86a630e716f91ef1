create table queue.schedules (
    name text primary key,
    cron text not null,
    time_zone text not null default 'UTC',
    tenant_id uuid references identity.tenants (id) on delete cascade,
    job_type text references queue.job_types (job_type) on delete restrict,
    pipeline text references queue.pipelines (name) on delete restrict,
    video_id uuid references media.videos (id) on delete cascade,
    job_data jsonb not null default '{}',
    priority integer,
    missed text not null default 'once',
    paused_at timestamptz,
    next_run_at timestamptz not null,
    last_run_at timestamptz,
    last_job_id uuid,
    last_error text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    last_enqueued_at timestamptz,
    constraint name_is_a_plain_word check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    constraint makes_a_job_or_a_pipeline check (num_nonnulls(job_type, pipeline) = 1),
    constraint a_pipeline_is_about_a_video check (pipeline is null or video_id is not null),
    constraint job_data_is_an_object check (jsonb_typeof(job_data) = 'object'),
    constraint priority_is_1_to_10 check (priority between 1 and 10),
    constraint missed_is_known check (missed in ('once', 'all', 'skip'))
) with (fillfactor = 80);

create index schedules_by_next_run on queue.schedules (next_run_at) where paused_at is null;
create index schedules_by_tenant on queue.schedules (tenant_id);
create index schedules_by_job_type on queue.schedules (job_type);
create index schedules_by_pipeline on queue.schedules (pipeline);
create index schedules_by_video on queue.schedules (video_id);

comment on table queue.schedules is 'Recurring jobs: queue.run_schedules, which claiming workers call, enqueues one job or pipeline run for each tick.';
comment on column queue.schedules.name is 'Its name; part of the idempotency keys of its jobs.';
comment on column queue.schedules.cron is 'When: minute, hour, day of month, month, day of week, as crontab(5) has them, or @hourly, @daily, @weekly, @monthly, @yearly.';
comment on column queue.schedules.time_zone is 'In which time zone cron is read, as Europe/Berlin.';
comment on column queue.schedules.tenant_id is 'Whose its jobs are; null: the platform''s own.';
comment on column queue.schedules.job_type is 'Type of its jobs; null: it runs a pipeline.';
comment on column queue.schedules.pipeline is 'The pipeline that it runs; null: it makes a job.';
comment on column queue.schedules.video_id is 'What its jobs are about, if anything.';
comment on column queue.schedules.job_data is 'Arguments of the job, or the options of the pipeline ({"step": {…}}).';
comment on column queue.schedules.priority is 'Priority of the job, 1 first; null: the default of its type.';
comment on column queue.schedules.missed is 'What becomes of ticks that came while nobody claimed: once (one run for all of them), all (a run each), skip (none, when a minute late).';
comment on column queue.schedules.paused_at is 'Since when it is paused; null: it is not. Ticks of a pause are not made up for.';
comment on column queue.schedules.next_run_at is 'The next tick.';
comment on column queue.schedules.last_run_at is 'The latest tick for which it enqueued.';
comment on column queue.schedules.last_job_id is 'The job of that tick; of a pipeline its first.';
comment on column queue.schedules.last_error is 'Why the latest tick enqueued nothing; null: it did.';
comment on column queue.schedules.created_at is 'When the row was made.';
comment on column queue.schedules.updated_at is 'When the row last changed; kept by a trigger.';
comment on column queue.schedules.last_enqueued_at is 'When last_job_id was enqueued: later than its tick when no worker claimed at that time.';

create trigger touch_updated_at before update on queue.schedules
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('queue.schedules');
