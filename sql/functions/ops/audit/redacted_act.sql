create or replace function ops.redacted_act(p_act ops.audit_logs, p_redaction ops.audit_redactions)
returns ops.audit_logs
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_act ops.audit_logs := p_act;
    v_about constant boolean := coalesce(p_act.subject_user_id = p_redaction.user_id, false);
    v_by constant boolean := coalesce(p_act.user_id = p_redaction.user_id, false);
    -- Settings are rows of two tables: the one that has the act's columns.
    v_table constant regclass := (
        select to_regclass(t.table_name)
        from ops.audited_tables() as t
        where t.entity_type = p_act.entity_type
        order by (
            select count(*) from jsonb_object_keys(coalesce(p_act.after, p_act.before, '{}')) as k
            where ops.column_class(to_regclass(t.table_name), k) is not null
        ) desc
        limit 1
    );
begin
    v_act.before := ops.redact_json(p_act.before, v_about, v_table, p_redaction.personal_values);
    v_act.after := ops.redact_json(p_act.after, v_about, v_table, p_redaction.personal_values);
    v_act.facts := ops.redact_json(p_act.facts, v_about, null, p_redaction.personal_values);
    if p_act.entity_id is not null and lower(p_act.entity_id) = any(p_redaction.personal_values) then
        v_act.entity_id := '(erased)';
    end if;
    -- What an operator or a worker did to them is from the operator's address.
    if v_by or (v_about and p_act.actor_kind in ('user', 'key') and p_act.user_id is null) or (v_about and p_act.action like 'login.%') then
        v_act.client_ip := null;
        v_act.user_agent := null;
        v_act.session_ip := null;
    end if;
    if v_act is distinct from p_act then
        v_act.redacted_at := p_redaction.created_at;
    end if;
    return v_act;
end;
$$;

comment on function ops.redacted_act(ops.audit_logs, ops.audit_redactions) is $$
An act without what is personal of the user of a redaction. Of acts about them: what is in columns of class personal or is named as such. Of acts
by them: address and program. Of all: each text that holds one of the redaction's values. Nothing else differs, and nothing differs in an act that holds none of
this. The guard compares with the outcome.
$$;
