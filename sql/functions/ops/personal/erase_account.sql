create or replace function ops.erase_account(p_erasure ops.erasures)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_user_id uuid := p_erasure.user_id;
    v_left boolean;
    v_values text[];
    v_redacted bigint;
    v_counts jsonb;
begin
    -- Whoever makes something of theirs locks their row: what is seen now is all.
    select array_remove(array[u.email, u.username, u.full_name], null) into v_values from identity.users as u where u.id = v_user_id for update;
    v_left := exists (select from media.videos as v where v.user_id = v_user_id)
        or exists (select from media.assets as a where a.owner_user_id = v_user_id)
        or exists (select from queue.processing_jobs as j where j.user_id = v_user_id)
        or exists (select from queue.job_history as h where h.user_id = v_user_id);
    if v_left then  -- mutant: what came meanwhile stays
        return false;
    end if;

    -- Before the row goes by its values, and after it by its id: the audit hears of the delete too.
    v_redacted := ops.redact_audit(v_user_id, v_values);
    delete from identity.users as u where u.id = v_user_id;
    v_redacted := v_redacted + ops.redact_audit(v_user_id);
    perform ops.count_erased(p_erasure.id, jsonb_build_object('identity.users', 1, 'ops.audit_logs', v_redacted));
    update ops.erasures as e
    set status = 'completed', ended_at = base.clock(), counts_sha256 = encode(sha256(convert_to(e.counts::text, 'UTF8')), 'hex')
    where e.id = p_erasure.id
    returning e.counts into v_counts;
    perform base.record_act(
        'user.erased', 'user', v_user_id::text, p_tenant_id => p_erasure.tenant_id,
        p_facts => jsonb_build_object('subject_user_id', v_user_id, 'erasure', p_erasure.id, 'counts', v_counts)
    );
    return true;
end;
$$;

comment on function ops.erase_account(ops.erasures) is $$
The last step of an erasure: the account, what the audit says of it, and the certificate, in one transaction. False: something of theirs has come meanwhile, nothing was done.
$$;
