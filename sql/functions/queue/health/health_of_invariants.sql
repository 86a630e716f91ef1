create or replace function queue.health_of_invariants(p_deep boolean)
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- 16 MB of records and attempts are about 10,000 jobs; to verify them takes a tenth of a second.
    v_whole constant boolean := coalesce(p_deep, false)
        or pg_relation_size('queue.processing_jobs') + pg_relation_size('queue.job_attempts') < 16 * 1024 * 1024;
    v_after uuid;
begin
    if not v_whole then
        -- Begin at a random time between the first job and the last: who asks each minute sees all of a large queue in the end.
        select base.uuid_v7_from(to_timestamp((first.ms + random() * (last.ms - first.ms)) / 1000.0)) into v_after
        from
            (select ('x' || translate(left(j.id::text, 13), '-', ''))::bit(48)::bigint as ms from queue.processing_jobs as j order by j.id limit 1) as first,
            (select ('x' || translate(left(j.id::text, 13), '-', ''))::bit(48)::bigint as ms from queue.processing_jobs as j order by j.id desc limit 1) as last;
    end if;
    return query
    select
        'invariants', 'bad', format('%s: %s times, first job %s, %s', v.invariant, count(*), min(v.job_id::text), min(v.detail)),
        'reelq doctor --repair, and report it: this is a bug, or somebody wrote past the functions.'
    from (
        select a.* from queue.verify() as a where v_whole
        union all
        select w.* from queue.verify_window(v_after, queue.next_window(v_after, 2000)) as w where not v_whole
    ) as v
    group by v.invariant
    order by v.invariant;
    if not found and v_whole then
        return query select 'invariants', 'ok', 'All hold.', null::text;
    elsif not found then
        return query select 'invariants', 'ok', 'The tables are large: all hold of 2,000 jobs from a random one on.', 'On a quiet hour: reelq doctor --deep';
    end if;
end;
$$;

comment on function queue.health_of_invariants(boolean) is $$
Part of queue.health: queue.verify(), which reads every table, when that is quick or was asked for; else queue.verify_window() of 2,000 jobs
somewhere.
$$;
