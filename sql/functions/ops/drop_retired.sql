create or replace function ops.drop_retired(p_policy ops.partition_policies, p_dry_run boolean)
returns table (parent text, partition text, action text, statement text, done boolean, detail text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_retired record;
begin
    parent := p_policy.parent;
    for v_retired in
        select
            r.partition, r.since, r.until, c.oid is not null as is_there, coalesce(c.relispartition, false) as attached,
            coalesce(r.until <= base.clock() - p_policy.retention, false) as expired
        from ops.retired_partitions as r
        left join pg_catalog.pg_class as c on c.oid = to_regclass(r.partition)
        where r.parent = p_policy.parent
        order by r.since
    loop
        partition := v_retired.partition;
        action := 'drop';
        done := not p_dry_run;
        detail := null;
        -- Still attached and past its retention: ops.retire_partitions returns its statement again.
        continue when v_retired.attached and v_retired.expired;
        if v_retired.attached then
            action := 'keep';
            detail := 'its retention is longer now';
        elsif v_retired.is_there and not v_retired.expired then
            action := 'keep';
            done := false;
            detail := 'detached, but its retention is longer now: attach it again, or drop it by hand';
        elsif v_retired.is_there and not p_dry_run then
            begin
                execute format('drop table %s', v_retired.partition);
                perform base.record_act(
                    'partition.dropped', 'partition', v_retired.partition,
                    p_facts => jsonb_build_object('system', 'partitions', 'since', v_retired.since, 'until', v_retired.until, 'retention', p_policy.retention)
                );
            exception
                when lock_not_available or dependent_objects_still_exist then
                    done := false;
                    detail := sqlerrm;
            end;
        end if;
        if done and not p_dry_run then
            delete from ops.retired_partitions as r where r.partition = v_retired.partition;
        end if;
        return next;
    end loop;
end;
$$;

comment on function ops.drop_retired(ops.partition_policies, boolean) is $$
Drop what was detached because its retention had ended; see ops.maintain_partitions. A table that somebody reads just now
is told as not done.
$$;
