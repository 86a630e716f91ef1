create or replace function ops.write_event(
    p_event_type text,
    p_tenant_id uuid,
    p_ordering_key text,
    p_data jsonb
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into ops.outbox (tenant_id, event_type, ordering_key, data) values (p_tenant_id, p_event_type, p_ordering_key, p_data);
$$;

comment on function ops.write_event(text, uuid, text, jsonb) is $$
Write an event to the outbox; for base.emit_event, which says more. Nothing is looked up, and nothing is refused: what is told was done.
$$;
