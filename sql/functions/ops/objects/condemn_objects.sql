create or replace function ops.condemn_objects(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_before timestamptz := base.clock() - queue.setting('sweep_grace')::interval;
    v_ids uuid[];
    v_count integer;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    v_ids := array(
        select o.id from media.objects as o
        where o.unreferenced_since < v_before and o.state in ('stored', 'writing')
        order by o.unreferenced_since
        limit p_limit
        for update skip locked  -- mutant: a sweep takes what somebody is about to refer to
    );
    -- Asked again under the locks: whoever refers to one now waits for them, and is then told that it goes.
    update media.objects as o set state = 'deleting'
    where o.id = any(array(select u from media.unreferenced_objects(v_ids) as u));  -- mutant: a sweep does not look again
    get diagnostics v_count = row_count;
    update media.objects as o set unreferenced_since = null
    where o.id = any(v_ids) and o.state <> 'deleting';
    return case when v_count > 0 or v_ids = '{}' then v_count end;
end;
$$;

comment on function ops.condemn_objects(integer) is $$
Give up to p_limit objects to be deleted that nothing has referred to for the setting sweep_grace, or that an attempt which is over left unfinished
(queue.mark_litter). From here on nobody can refer to them: media.use_object refuses. media.list_condemned names them.

Returns how many; call it until it returns 0. Null: those that were looked at are used after all, call it again.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 10000
  RQ009  references may be missed, see media.check_references
$$;
