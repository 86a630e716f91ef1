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
set search_path = pg_catalog, pg_temp
as $$
begin
    raise debug 'act % of % % (%, %, %, %)', p_action, p_entity_type, p_entity_id, p_before, p_after, p_tenant_id, p_facts;
end;
$$;

comment on function base.record_act(text, text, text, jsonb, jsonb, uuid, jsonb) is $$
Write down an act of somebody: what, to which thing, what was before and after. Nothing is kept yet.
$$;
