create or replace function queue.resume(p_scope text, p_key text default '')
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := queue.check_pause(p_scope, p_key);
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_scope = 'input' then
        perform queue.take_lock('input', v_key, true); -- see queue.record_strike
    end if;
    if not queue.lift_pause(p_scope, v_key) then
        raise exception 'no pause of %', concat_ws(' ', p_scope, nullif(v_key, ''))
            using errcode = 'RQ004', hint = 'Look with: reelq queue pauses, or queue.list_pauses().';
    end if;
    if p_scope = 'input' then
        delete from queue.strikes as s where s.asset_id = v_key::uuid;
    end if;
end;
$$;

comment on function queue.resume(text, text) is $$
End a pause; arguments as of queue.pause. For an input also its strikes are forgotten, so that the poison guard counts anew.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such tenant, or not paused
  RQ008  unknown scope, or a key that makes no sense with it
  42501  the caller acts for a tenant
$$;
