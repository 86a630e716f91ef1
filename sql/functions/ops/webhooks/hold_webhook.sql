create or replace function ops.hold_webhook(p_webhook_id uuid, p_hold boolean)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_reason constant text := 'its endpoint does not answer; a job asks it again and again, and resumes this';
    v_key text := p_webhook_id::text;
    v_found text := (select p.reason from queue.pauses as p where p.scope = 'channel' and p.key = p_webhook_id::text);
begin
    if p_hold and v_found is null then
        perform queue.pause('channel', v_key, v_reason);
    elsif not p_hold and v_found = v_reason then  -- mutant: an operator's pause is taken away
        perform queue.lift_pause('channel', v_key);
    end if;
end;
$$;

comment on function ops.hold_webhook(uuid, boolean) is $$
Pause the deliveries to an endpoint, for a worker, or let them go, for whoever may change it. A pause that an operator has made stays as it is.
$$;
