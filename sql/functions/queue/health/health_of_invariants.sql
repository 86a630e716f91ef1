create or replace function queue.health_of_invariants(p_deep boolean)
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- 16 MB of records and attempts are about 10,000 jobs; to verify them takes a tenth of a second.
    v_small boolean := pg_relation_size('queue.processing_jobs') + pg_relation_size('queue.job_attempts') < 16 * 1024 * 1024;
begin
    if not v_small and not coalesce(p_deep, false) then
        return query
        select 'invariants', 'ok', 'Not looked at: the tables are large.', 'On a quiet hour: reelq doctor --deep';
        return;
    end if;
    return query
    select
        'invariants', 'bad', format('%s: %s times, first job %s, %s', v.invariant, count(*), min(v.job_id::text), min(v.detail)),
        'reelq doctor --repair, and report it: this is a bug, or somebody wrote past the functions.'
    from queue.verify() as v
    group by v.invariant
    order by v.invariant;
    if not found then
        return query select 'invariants', 'ok', 'All hold.', null::text;
    end if;
end;
$$;

comment on function queue.health_of_invariants(boolean) is $$
Part of queue.health: queue.verify(), which reads every table, when that is quick or was asked for.
$$;
