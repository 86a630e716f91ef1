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
    -- While an installation or an upgrade has not come to ops yet, there is no audit to write to. One that is gone later is an error.
    if to_regproc('ops.write_act') is null
        and not exists (select from base.schema_ledger as l where l.path = 'functions/ops/write_act.sql')
    then
        return;
    end if;
    -- By name, since base knows no room on its right. What fails here fails the act, which nobody else would know of.
    execute 'select ops.write_act($1, $2, $3, $4, $5, $6, $7)'
    using p_action, p_entity_type, p_entity_id, p_before, p_after, p_tenant_id, p_facts;
end;
$$;

comment on function base.record_act(text, text, text, jsonb, jsonb, uuid, jsonb) is $$
Enter an act in the audit (ops.audit_logs), in the transaction of the act: both stay or neither. The one door to it, for functions of all rooms; no role may
call it. Who acts, for which request and from where is taken from the session, see ops.write_act.

Arguments
  p_action       what was done, as user.role_changed: the thing, a dot, a verb in the past
  p_entity_type  what kind of thing it was done to, as user or api_key
  p_entity_id    which one; of several things null, and p_facts says how many
  p_before       what was there; null where nothing was. No secrets: not even hashes
  p_after        what is there now; null where nothing is
  p_tenant_id    whose thing it is; null: the tenant's in reelq.tenant_id, else the platform's
  p_facts        what else there is to know: a reason, counts, a filter. Words with a meaning: system (the name of the upkeep
                 that acts by itself, which then is the actor), subject_user_id (the user whom it is about)
$$;
