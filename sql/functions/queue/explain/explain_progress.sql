create or replace function queue.explain_progress(p_lease queue.leases)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return concat_ws(
        ', ',
        case when base.is_trusted() and base.current_tenant() is null then format(' on %s', p_lease.worker_id) else '' end,
        p_lease.stage, round(p_lease.progress::numeric * 100) || ' % done',
        'about ' || base.format_interval(make_interval(secs => p_lease.eta_s)) || ' to go'
    ) || '.';
end;
$$;

comment on function queue.explain_progress(queue.leases) is $$
Where a job runs and how far it is, as the end of a sentence. Who runs it is told to operators only.
$$;
