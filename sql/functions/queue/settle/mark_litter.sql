create or replace function queue.mark_litter(p_after uuid default null, p_limit integer default 1000)
returns table (seen integer, last_id uuid, marked integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_ids uuid[];
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    v_ids := array(
        select o.id from media.objects as o
        where o.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and o.state <> 'stored'
        order by o.id
        limit p_limit
    );
    seen := cardinality(v_ids);
    last_id := v_ids[seen];
    with litter as materialized (
        select o.id from media.objects as o
        where
            o.id = any(v_ids) and o.state = 'writing' and o.unreferenced_since is null
            -- Whoever writes without a job has a day.
            and case when o.job_id is null then o.created_at < v_now - interval '1 day' else true end
            and not exists (select from queue.leases as l where l.job_id = o.job_id and l.token = o.attempt)  -- mutant: what an attempt is writing is litter
        for no key update skip locked
    )
    update media.objects as o set unreferenced_since = v_now from litter as l where o.id = l.id;
    get diagnostics marked = row_count;
    return next;
end;
$$;

comment on function queue.mark_litter(uuid, integer) is $$
A page of the walk over objects that are not stored, by id: those whose attempt is over, so that nobody finishes them, are unreferenced since now. The grace of
ops.condemn_objects begins: a worker that has lost its lease unawares has that long to hear of it.

Arguments
  p_after  the last id of the page before; null: from the start

Returns
  seen     objects of this page; 0: the walk is at its end
  last_id  where the next page begins
  marked   how many were found to be litter

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 10000
$$;
