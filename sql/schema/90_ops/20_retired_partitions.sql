create table ops.retired_partitions (
    partition text primary key,
    parent text not null,
    since timestamptz not null,
    until timestamptz not null,
    created_at timestamptz not null default base.clock(),
    constraint it_spans_some_time check (since < until)
);

comment on table ops.retired_partitions is $$
Partitions whose retention has ended, from the moment that their detaching is asked for until they are dropped. Only what
stands here is ever dropped: a partition that somebody detached by hand stays.
$$;
comment on column ops.retired_partitions.partition is 'The partition, as room.name.';
comment on column ops.retired_partitions.parent is 'The table that it belongs or belonged to, as in ops.partition_policies.';
comment on column ops.retired_partitions.since is 'Start of its span.';
comment on column ops.retired_partitions.until is 'End of its span, which is no part of it.';
comment on column ops.retired_partitions.created_at is 'When its detaching was asked for.';
