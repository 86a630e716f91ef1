create table queue.pipelines (
    name text primary key,
    description text not null,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint name_is_a_plain_word check (name ~ '^[a-z][a-z0-9_-]{0,62}$')
);

comment on table queue.pipelines is 'Named graphs of steps that queue.enqueue_pipeline turns into jobs.';
comment on column queue.pipelines.name is 'Name of the pipeline.';
comment on column queue.pipelines.description is 'One sentence for people.';
comment on column queue.pipelines.created_at is 'When the row was made.';
comment on column queue.pipelines.updated_at is 'When the row last changed.';

create trigger touch_updated_at before update on queue.pipelines
for each row execute function base.tg_touch_updated_at();
