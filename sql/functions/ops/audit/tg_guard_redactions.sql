create or replace function ops.tg_guard_redactions()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        new.transaction_id := pg_current_xact_id();
        new.personal_values := array(select lower(btrim(v)) from unnest(new.personal_values) as v where length(btrim(v)) >= 3);
        return new;
    end if;
    -- Once, at its end: what was erased goes from here too.
    if tg_op = 'UPDATE' and old.rows_changed is null and old.transaction_id = pg_current_xact_id_if_assigned()
        and new.personal_values = '{}'
        and to_jsonb(new) - '{personal_values,rows_changed}'::text[] = to_jsonb(old) - '{personal_values,rows_changed}'::text[]
    then
        return new;
    end if;
    raise exception 'redactions of the audit must not be changed: no % of %.%', lower(tg_op), tg_table_schema, tg_table_name
        using errcode = 'RQ007', hint = 'They are kept for good, as the proof of what ops.redact_audit did.';
end;
$$;

comment on function ops.tg_guard_redactions() is $$
Trigger before every write of ops.audit_redactions: a new row is of this transaction, whatever it says; afterwards it stays.

Raises
  RQ007  a change, but for the one by which ops.redact_audit ends
$$;

create or replace trigger guard_redactions before insert or update or delete on ops.audit_redactions
for each row execute function ops.tg_guard_redactions();

create or replace trigger guard_truncate before truncate on ops.audit_redactions
for each statement execute function ops.tg_guard_redactions();

alter table ops.audit_redactions enable always trigger guard_redactions;

alter table ops.audit_redactions enable always trigger guard_truncate;
