create table queue.pipeline_steps (
    pipeline text not null references queue.pipelines (name) on delete cascade,
    step text not null,
    job_type text not null references queue.job_types (job_type) on delete restrict,
    after text[] not null default '{}',
    on_parent_failure text not null default 'fail',
    priority smallint,
    job_data jsonb not null default '{}',
    created_at timestamptz not null default base.clock(),
    constraint pipeline_steps_pkey primary key (pipeline, step),
    constraint step_is_a_plain_word check (step ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint on_parent_failure_is_known check (on_parent_failure in ('fail', 'cancel', 'run')),
    constraint priority_is_1_to_10 check (priority between 1 and 10),
    constraint job_data_is_an_object check (jsonb_typeof(job_data) = 'object')
);

create index pipeline_steps_by_job_type on queue.pipeline_steps (job_type);

comment on table queue.pipeline_steps is 'Steps of a pipeline. Edges run within the pipeline; a cycle is refused (RQ006).';
comment on column queue.pipeline_steps.pipeline is 'The pipeline.';
comment on column queue.pipeline_steps.step is 'Name of the step.';
comment on column queue.pipeline_steps.job_type is 'What is done.';
comment on column queue.pipeline_steps.after is 'Steps that come first.';
comment on column queue.pipeline_steps.on_parent_failure is 'If one of them fails for good: fail, cancel or run all the same.';
comment on column queue.pipeline_steps.priority is 'Priority of the job; null: the type''s.';
comment on column queue.pipeline_steps.job_data is 'Arguments; options of the run are laid over them.';
comment on column queue.pipeline_steps.created_at is 'When the row was made.';
