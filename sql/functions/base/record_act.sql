create or replace function base.record_act(
    p_action text,
    p_entity_type text,
    p_entity_id text,
    p_before jsonb default null,
    p_after jsonb default null,
    p_tenant_id uuid default null,
    p_facts jsonb default '{}'
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The audit is not there yet.
    perform p_action, p_entity_type, p_entity_id, p_before, p_after, p_tenant_id, p_facts;
end;
$$;

comment on function base.record_act(text, text, text, jsonb, jsonb, uuid, jsonb) is 'Enter an act in the audit, once there is one.';
