create or replace function ops.tg_guard_audit()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- No setting and no role opens this. A change is let pass when it is, to the letter, what a redaction of this very transaction says;
    -- whoever writes such a redaction by hand has called the function with other words.
    if tg_op = 'UPDATE' and exists (
        select from ops.audit_redactions as r
        where
            r.transaction_id = pg_current_xact_id_if_assigned()
            and to_jsonb(new) - 'diff' = to_jsonb(ops.redacted_act(old, r)) - 'diff'  -- mutant: a redaction opens the audit
    ) then
        return new;
    end if;
    raise exception 'the audit must not be changed: no % of %.%', lower(tg_op), tg_table_schema, tg_table_name
        using errcode = 'RQ007',
              hint = 'Months are dropped by retention (ops.maintain_partitions); what is personal of an erased user is blanked by ops.redact_audit.';
end;
$$;

comment on function ops.tg_guard_audit() is $$
Trigger before update, delete and truncate on the audit and each of its partitions, for every role, the owner and replication too.

Raises
  RQ007  always, but for what ops.redact_audit does
$$;

create or replace trigger guard_audit before update or delete on ops.audit_logs
for each row execute function ops.tg_guard_audit();

create or replace trigger guard_truncate before truncate on ops.audit_logs
for each statement execute function ops.tg_guard_audit();

alter table ops.audit_logs enable always trigger guard_audit;

alter table ops.audit_logs enable always trigger guard_truncate;
