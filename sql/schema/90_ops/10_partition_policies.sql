create table ops.partition_policies (
    parent text primary key,
    ahead integer not null default 3,
    retention interval,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint parent_is_a_qualified_name check (parent ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'),
    constraint ahead_is_1_to_24_months check (ahead between 1 and 24),
    constraint retention_is_a_day_or_more check (retention >= interval '1 day')
);

comment on table ops.partition_policies is $$
The tables with a partition a month that ops.maintain_partitions looks after. An operator changes a row; the next run
follows it. Without a row nobody makes or drops partitions of a table.
$$;
comment on column ops.partition_policies.parent is 'The partitioned table, as room.name.';
comment on column ops.partition_policies.ahead is 'How many months beyond the present one have their partition.';
comment on column ops.partition_policies.retention is 'A partition is dropped when the whole of it is older than this; null: never.';
comment on column ops.partition_policies.created_at is 'When the row was made.';
comment on column ops.partition_policies.updated_at is 'When the row last changed.';

create trigger touch_updated_at before update on ops.partition_policies
for each row execute function base.tg_touch_updated_at();
