create table queue.cascades (
    job_id uuid primary key,
    place uuid not null default '00000000-0000-0000-0000-000000000000',
    created_at timestamptz not null default base.clock()
);

comment on table queue.cascades is $$
Jobs that are over or gone while some of their children have not been dealt with: there are too many for one transaction, and claims go on
with them (queue.continue_cascades). Until then those children are blocked, by an edge to a job that has ended.
$$;
comment on column queue.cascades.job_id is 'The parent.';
comment on column queue.cascades.place is 'Its children up to this id have been dealt with.';
comment on column queue.cascades.created_at is 'Since when.';
