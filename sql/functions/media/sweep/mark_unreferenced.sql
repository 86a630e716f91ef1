create or replace function media.mark_unreferenced(p_after uuid default null, p_limit integer default 5000)
returns table (seen integer, last_id uuid, marked integer, cleared integer)
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
    v_idle uuid[];
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 50000 then
        raise exception 'limit must be 1 to 50000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 5000.';
    end if;
    v_ids := array(
        select o.id from media.objects as o
        where o.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by o.id
        limit p_limit
    );
    seen := cardinality(v_ids);
    last_id := v_ids[seen];
    v_idle := array(select u from media.unreferenced_objects(v_ids) as u);
    -- Whoever holds one is about to refer to it, or marks it too.
    with due as materialized (
        select o.id from media.objects as o
        where o.id = any(v_idle) and o.state = 'stored' and o.unreferenced_since is null
        for no key update skip locked
    )
    update media.objects as o set unreferenced_since = v_now from due as d where o.id = d.id;
    get diagnostics marked = row_count;
    with due as materialized (
        select o.id from media.objects as o
        where o.id = any(array(select i from unnest(v_ids) as i except select d from unnest(v_idle) as d))
            and o.state = 'stored' and o.unreferenced_since is not null
        for no key update skip locked
    )
    update media.objects as o set unreferenced_since = null from due as d where o.id = d.id;
    get diagnostics cleared = row_count;
    return next;
end;
$$;

comment on function media.mark_unreferenced(uuid, integer) is $$
A page of the walk over the register, by id: note since when nothing refers to an object, and forget that where something does. ops.condemn_objects
takes what has been so for the grace. Waits for nobody.

Arguments
  p_after  the last id of the page before; null: from the start

Returns
  seen     objects of this page; 0: the walk is at its end
  last_id  where the next page begins
  marked   so many are unreferenced since now, and
  cleared  so many are referred to again

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 50000
  RQ009  references may be missed, see media.check_references
$$;
