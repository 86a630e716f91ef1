create or replace function ops.health_of_stores()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_now timestamptz := base.clock();
    v_faults bigint;
    v_late bigint;
begin
    select count(*) into v_faults from (select from media.objects as o where o.fault is not null limit 100000) as found;
    return query
    select
        'objects', case when v_faults > 0 then 'bad' else 'ok' end,
        case when v_faults > 0 then format('%s objects are missing or altered in their stores', v_faults) else 'No check has found an object missing or altered.' end,
        case when v_faults > 0 then 'Bring them back from a backup, or make variants anew (docs/operate.md, Files and objects). Which: reelq store list --faulty' end;

    return query
    select
        'stray_objects', 'warn', format('%s objects in %s have no row, such as %s', c.strays, c.bucket, c.example),
        'Give them to the sweep: reelq store check --repair'
    from media.store_checks as c
    where c.strays > 0 and c.finished_at is not null
    order by c.bucket;

    select count(*) into v_late from (
        select from media.objects as o where o.state <> 'stored' and o.state = 'deleting' and o.updated_at < v_now - interval '3 days' limit 100000
    ) as late;
    if v_late > 0 then
        return query
        select
            'sweep', 'warn', format('%s objects are to be deleted since 3 days and more, and still there', v_late),
            'Run it and read what it says of their stores: reelq store sweep';
    end if;
end;
$$;

comment on function ops.health_of_stores() is $$
Part of ops.health: objects that a check of their store found missing or altered, objects without rows, and bytes that a sweep cannot delete.
$$;
