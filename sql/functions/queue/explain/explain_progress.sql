create or replace function queue.explain_progress(p_lease queue.leases)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_silent interval := queue.silence_of(p_lease);
begin
    return concat_ws(
        ', ',
        case when base.is_operator() and v_silent is null then format(' on %s', p_lease.worker_id) else '' end,
        p_lease.stage, round(p_lease.progress::numeric * 100) || ' % done',
        -- format_interval takes no time for none at all.
        case when v_silent is null and p_lease.eta_s is not null then format('about %s to go', base.format_interval(make_interval(secs => p_lease.eta_s))) end,
        case
            when v_silent is not null then format(
                'its worker%s was last heard of %s ago', case when base.is_operator() then ' ' || p_lease.worker_id end, base.format_interval(v_silent)
            )
        end
    ) || '.';
end;
$$;

comment on function queue.explain_progress(queue.leases) is $$
Where a job runs and how far it is, as the end of a sentence; of a worker that does not beat, since when. Who runs it is told to
operators only.
$$;
