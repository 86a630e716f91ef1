create or replace function queue.promote_due(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_ids uuid[];
begin
    perform base.check_read_committed();
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 1000.';
    end if;
    if not exists (select from queue.scheduled as s where s.due <= v_now)
        or not pg_try_advisory_xact_lock(hashtext('reelq.promote_due')) then
        return 0;
    end if;
    with due as materialized (
        select s.ctid as place
        from queue.scheduled as s
        where s.due <= v_now
        order by s.due, s.job_id
        limit p_limit
        for update skip locked
    ),
    moved as (
        delete from queue.scheduled as s
        where s.ctid = any(array(select d.place from due as d))
        returning s.due, s.job_id
    )
    select array_agg(m.job_id order by m.due, m.job_id) into v_ids from moved as m;
    if v_ids is not null then
        perform queue.admit_or_park(v_ids);
    end if;
    return coalesce(cardinality(v_ids), 0);
end;
$$;

comment on function queue.promote_due(integer) is $$
Make ready up to p_limit scheduled jobs whose time has come, earliest first; one caller at a time, the
others return 0. Returns how many moved.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
$$;
