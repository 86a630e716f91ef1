create or replace function ops.redact_audit(p_user_id uuid, p_values text[] default '{}', p_reason text default 'the user is erased')
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_redaction ops.audit_redactions;
    v_batch bigint;
    v_count bigint := 0;
    v_tenant_id uuid;
begin
    if p_user_id is null then
        raise exception 'a redaction must be about a user, not null' using errcode = 'RQ008', hint = 'The id of the user, whether the row is still there or not.';
    end if;
    perform base.check_read_committed();
    -- Whoever changes the account right now, as a log-in does, enters an act that is not to be seen yet: first they end. Each statement
    -- below sees what has been committed by then.
    select u.tenant_id into v_tenant_id from identity.users as u where u.id = p_user_id for update;  -- mutant: a log-in under way keeps its address
    insert into ops.audit_redactions (user_id, personal_values, reason) values (p_user_id, coalesce(p_values, '{}'), p_reason)
    returning * into v_redaction;

    -- What they did, what was done to them, and what bears one of the values as its id, as a log-in that failed does.
    update ops.audit_logs as a
    set (before, after, facts, entity_id, client_ip, user_agent, session_ip, redacted_at) = (
        select r.before, r.after, r.facts, r.entity_id, r.client_ip, r.user_agent, r.session_ip, r.redacted_at
        from ops.redacted_act(a, v_redaction) as r
    )
    where
        (
            a.user_id = p_user_id or a.subject_user_id = p_user_id
            or (a.entity_type in ('user', 'login', 'session') and a.entity_id = any(p_values || v_redaction.personal_values))
        )
        and ops.redacted_act(a, v_redaction) is distinct from a;
    get diagnostics v_count = row_count;

    -- What tells of them in its words. This reads their tenant's acts, and those of the platform, one by one.
    if v_redaction.personal_values <> '{}' then
        update ops.audit_logs as a
        set (before, after, facts, entity_id, client_ip, user_agent, session_ip, redacted_at) = (
            select r.before, r.after, r.facts, r.entity_id, r.client_ip, r.user_agent, r.session_ip, r.redacted_at
            from ops.redacted_act(a, v_redaction) as r
        )
        where
            (v_tenant_id is null or a.tenant_id is null or a.tenant_id = v_tenant_id)
            and exists (
                select from unnest(v_redaction.personal_values) as v
                where position(v in lower(concat_ws(' ', a.before::text, a.after::text, a.facts::text, a.entity_id))) > 0
            )
            and ops.redacted_act(a, v_redaction) is distinct from a;
        get diagnostics v_batch = row_count;
        v_count := v_count + v_batch;
    end if;
    update ops.audit_redactions as r set personal_values = '{}', rows_changed = v_count where r.id = v_redaction.id;
    perform base.record_act('audit.redacted', 'user', p_user_id::text, p_tenant_id => v_tenant_id, p_facts => jsonb_build_object('rows', v_count, 'redaction', v_redaction.id));
    return v_count;
end;
$$;

comment on function ops.redact_audit(uuid, text[], text) is $$
Blank in the audit what is personal of a user: "(erased)" in the place of values, no address, no program. That something was done, when, by and to whose id
stays. Returns how many rows it changed; safe to run again. For the owner's functions, such as those that erase a user: no role may call it.

Waits for the transactions that have changed the account. What others have entered and not committed yet, as a log-in that failed for the address,
it does not see: an erasure calls it last, and again when those have ended (a minute later, say), with the same values.

Arguments
  p_values  texts of theirs to look for anywhere, as e-mail address and name; of less than 3 characters are passed over
  p_reason  kept in ops.audit_redactions

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  no user
$$;
