create or replace function base.emit_event(
    p_event_type text,
    p_tenant_id uuid,
    p_ordering_key text,
    p_data jsonb
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- While an installation or an upgrade has not come to ops yet, nobody can have asked to be told. One that is gone later is an error.
    if to_regproc('ops.write_event') is null
        and not exists (select from base.schema_ledger as l where l.path = 'functions/ops/events/write_event.sql')
    then
        return;
    end if;
    -- By name, since base knows no room on its right.
    execute 'select ops.write_event($1, $2, $3, $4)' using p_event_type, p_tenant_id, p_ordering_key, p_data;
end;
$$;

comment on function base.emit_event(text, uuid, text, jsonb) is $$
Tell whom it may concern that something happened, in the transaction in which it does: both stay or neither. The one door to ops.outbox, for functions of all
rooms; no role may call it. Costs one narrow row. To be called while the row of what it is about is locked, so that the order is right.

Arguments
  p_event_type    a name of ops.event_types, as video.ready
  p_tenant_id     whom it concerns; null: the operators
  p_ordering_key  what it is about, as video:<id>; events of one key are delivered in order
  p_data          JSON object: ids and plain facts. No secrets, no words of people, and nothing that a tenant's webhook must not see
$$;
