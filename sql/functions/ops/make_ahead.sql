create or replace function ops.make_ahead(p_policy ops.partition_policies, p_dry_run boolean)
returns table (parent text, partition text, action text, statement text, done boolean, detail text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_this_month timestamptz := date_trunc('month', base.clock());
    v_month timestamptz;
    v_made regclass;
begin
    parent := p_policy.parent;
    action := 'make';
    for v_month in
        select v_this_month + make_interval(months => n) from generate_series(0, p_policy.ahead) as n
    loop
        continue when exists (
            select from base.partitions(p_policy.parent::regclass) as p where p.since <= v_month and v_month < p.until and not p.detaching
        );
        partition := p_policy.parent || to_char(v_month, '_YYYY_MM');
        done := not p_dry_run and detail is null;
        -- If another session's lock prevented one month, do not wait for it again with the next.
        if done then
            begin
                v_made := base.make_partition(p_policy.parent::regclass, v_month::date);
                continue when v_made is null; -- the archiver was quicker
                partition := ops.full_name(v_made); -- a statement of its own, which sees the new table
            exception
                when lock_not_available or invalid_object_definition then
                    done := false;
                    detail := sqlerrm;
            end;
        end if;
        return next;
    end loop;
end;
$$;

comment on function ops.make_ahead(ops.partition_policies, boolean) is $$
Make the partitions of this month and of those ahead; see ops.maintain_partitions. One that another session's lock
prevents is told as not done.
$$;
