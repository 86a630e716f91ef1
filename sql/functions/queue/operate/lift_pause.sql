create or replace function queue.lift_pause(p_scope text, p_key text)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from queue.pauses as p where p.scope = p_scope and p.key = p_key;
    if not found then
        return false;
    end if;
    if p_scope <> 'all' then  -- mutant: a resume forgets what waits
        insert into queue.gate_events (gate, permits) values ('pause:' || p_scope || ':' || p_key, 0);
    end if;
    perform queue.notify_ready(array(select t.job_type from queue.job_types as t));
    return true;
end;
$$;

comment on function queue.lift_pause(text, text) is $$
End a pause and let what waits go; for queue.resume and for rooms on the right, which ask by themselves who may. Returns whether there was one.

Arguments
  p_key  as it is stored: see queue.check_pause
$$;
