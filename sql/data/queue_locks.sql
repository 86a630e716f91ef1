insert into queue.locks (name, bucket)
select 'limit', b from generate_series(0, 255) as b
union all
select 'input', b from generate_series(0, 255) as b
union all
values ('promote_due', 0), ('partitions', 0), ('maintain_partitions', 0), ('events', 0), ('backup', 0)
on conflict (name, bucket) do nothing;
