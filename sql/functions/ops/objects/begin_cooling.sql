create or replace function ops.begin_cooling(p_after uuid default null, p_limit integer default 1000)
returns table (seen integer, last_id uuid, begun integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_before timestamptz := base.clock() - queue.setting('cold_after')::interval;
    v_ids uuid[];
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 50000 then
        raise exception 'limit must be 1 to 50000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    v_ids := array(
        select o.id from media.objects as o
        where o.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by o.id
        limit p_limit
    );
    seen := cardinality(v_ids);
    last_id := v_ids[seen];
    with due as materialized (
        select o.id from media.objects as o
        where
            o.id = any(v_ids) and o.state = 'stored' and o.storage_class = 'hot' and o.last_used_at < v_before  -- mutant: what is in use goes cold
            and o.unreferenced_since is null and o.fault is null
        for no key update skip locked
    )
    update media.objects as o set storage_class = 'cooling' from due as d where o.id = d.id;
    get diagnostics begun = row_count;
    return next;
end;
$$;

comment on function ops.begin_cooling(uuid, integer) is $$
A page of the walk over the register, by id: objects that were not used for the setting cold_after are cooling from now on. ops.list_moving names them, to be moved.

Arguments
  p_after  the last id of the page before; null: from the start

Returns
  seen     objects of this page; 0: the walk is at its end
  last_id  where the next page begins
  begun    so many are cooling since now

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 50000
$$;
