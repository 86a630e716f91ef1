create or replace function ops.emit_event(p_event_type text, p_data jsonb, p_ordering_key text default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := base.current_tenant();
    v_audience text;
    v_no text[];
begin
    if not base.may_act_for(v_tenant) then
        raise exception 'tenant must be named by the setting reelq.tenant_id' using errcode = 'RQ004', hint = 'select identity.act_for(''…''), with the tenant''s id; only the owner and workers may give its slug.';
    end if;
    perform identity.check_may_write();  -- mutant: a viewer emits events
    select t.audience into v_audience from ops.event_types as t where t.name = p_event_type and t.is_own;  -- mutant: an application says that a video is ready
    if not found then
        raise exception 'no event type % of an application', coalesce(quote_literal(left(p_event_type, 120)), 'null')
            using errcode = 'RQ004', hint = 'An operator makes it: reelq events add-type, or ops.add_event_type(). What happens to videos and jobs no application tells.';
    elsif v_audience = 'operator' and v_tenant is not null and not base.is_trusted() then
        raise exception 'event type % is for operators', p_event_type using errcode = 'RQ016', hint = 'Reset reelq.tenant_id.';
    end if;
    if jsonb_typeof(p_data) is distinct from 'object' or octet_length(p_data::text) > 65536 then
        v_no := array['data of an event must be a JSON object of at most 64 kB', 'Ids and plain facts; whoever receives it asks for the rest.'];
    elsif p_ordering_key = '' or length(p_ordering_key) > 200 then
        v_no := array[format('ordering key must have 1 to 200 characters, not %s', length(p_ordering_key)), 'What it is about, as order:1234.'];
    else
        v_no := (queue.job_data_refusal(p_data))[2:3];  -- mutant: an event is what no reader takes
    end if;
    if v_no[1] is not null then
        raise exception '%', v_no[1] using errcode = 'RQ008', hint = v_no[2];
    end if;
    -- Its own keys, so that nobody makes deliveries of reelq's wait for theirs.
    perform base.emit_event(p_event_type, v_tenant, 'own:' || coalesce(p_ordering_key, base.uuid_v7()::text), p_data);  -- mutant: reelq's deliveries wait for an application's
end;
$$;

comment on function ops.emit_event(text, jsonb, text) is $$
Tell something that happened in an application, in the transaction in which it does, to the tenant of reelq.tenant_id; operators without one to themselves.
  select ops.emit_event('order.paid', '{"order_id": 1234}', 'order:1234');

Arguments
  p_event_type    a type that was made by ops.add_event_type
  p_data          JSON object of at most 64 kB: ids and plain facts, and no secrets
  p_ordering_key  what it is about; events of one key are delivered in order. Null: in any

Raises
  RQ004  no such type, or no tenant named
  RQ008  data or a key that cannot be
  RQ016  the user is a viewer, the key has no scope write, or the type is for operators
$$;
