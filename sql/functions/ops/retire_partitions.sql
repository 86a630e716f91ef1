create or replace function ops.retire_partitions(p_policy ops.partition_policies, p_dry_run boolean)
returns table (parent text, partition text, action text, statement text, done boolean, detail text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old record;
begin
    parent := p_policy.parent;
    done := false;
    for v_old in
        select ops.full_name(p.partition) as name, p.since, p.until, p.detaching
        from base.partitions(p_policy.parent::regclass) as p
        where p.detaching or p.until <= base.clock() - p_policy.retention
        -- Postgres allows one interrupted DETACH a table: finish that one before the next.
        order by not p.detaching, p.since
    loop
        if not p_dry_run and v_old.until <= base.clock() - p_policy.retention then
            insert into ops.retired_partitions (partition, parent, since, until)
            values (v_old.name, p_policy.parent, v_old.since, v_old.until)
            on conflict on constraint retired_partitions_pkey do nothing;
        end if;
        partition := v_old.name;
        action := case when v_old.detaching then 'finalize' else 'detach' end;
        statement := format(
            'alter table %s detach partition %s %s', p_policy.parent, v_old.name,
            case when v_old.detaching then 'finalize' else 'concurrently' end
        );
        return next;
    end loop;
end;
$$;

comment on function ops.retire_partitions(ops.partition_policies, boolean) is $$
The statements that detach the partitions whose whole span is older than the retention, and that end a detaching which
was interrupted; see ops.maintain_partitions. What is asked for here is entered in ops.retired_partitions.
$$;
