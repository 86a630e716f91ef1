create or replace function queue.archived_parent(p_job_id uuid)
returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select parent.id
    from queue.processing_jobs as j
    cross join lateral unnest(j.depends_on) as parent (id)
    where
        j.id = p_job_id and j.on_parent_failure <> 'run'
        -- Nearly every parent is in the table: only the others are looked for in the history.
        and case when (select true from queue.processing_jobs as p where p.id = parent.id) is null then (
            select h.status in ('failed', 'cancelled') from queue.job_history as h where h.id = parent.id limit 1
        ) end
    limit 1;
$$;

comment on function queue.archived_parent(uuid) is $$
A failed or cancelled job in the history for which this one was to wait: neither can be retried. Null: none.
$$;
