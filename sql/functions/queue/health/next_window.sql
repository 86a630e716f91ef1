create or replace function queue.next_window(p_after uuid default null, p_limit integer default 10000)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
begin
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 10000.';
    elsif p_after = 'ffffffff-ffff-ffff-ffff-ffffffffffff' then
        return null;
    end if;
    v_ids := array(
        select j.id from queue.processing_jobs as j where j.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by j.id limit p_limit
    );
    return coalesce(v_ids[p_limit], 'ffffffff-ffff-ffff-ffff-ffffffffffff');
end;
$$;

comment on function queue.next_window(uuid, integer) is $$
Where a window of p_limit jobs ends that begins behind this id, for queue.verify_window; null: there is nothing behind it.

Arguments
  p_after  null: begin with the first job

Raises
  RQ008  a limit below 1
$$;
