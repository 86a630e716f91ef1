create or replace function ops.risk_of_act(p_act ops.audit_logs)
returns smallint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_most constant integer := 200;  -- rows of the past that are looked at
    v_now timestamptz := p_act.created_at;
    v_risk integer;
    v_jobs integer := case when p_act.facts ->> 'jobs' ~ '^[0-9]{1,9}$' then (p_act.facts ->> 'jobs')::integer else 0 end;
    v_scopes integer := case when jsonb_typeof(p_act.after -> 'scopes') = 'array' then jsonb_array_length(p_act.after -> 'scopes') else 0 end;
    v_times integer;
    v_earlier record;
begin
    -- 1. What was done.
    v_risk := case
        when p_act.entity_type = 'worker' and p_act.actor_kind = 'worker' then 0
        when p_act.action = 'queue.emptied' then 90
        when p_act.action = 'tenant.deleted' or (p_act.action = 'tenant.status_changed' and p_act.after ->> 'status' = 'deleted') then 80
        when p_act.action = 'user.role_changed' then case when p_act.after ->> 'role' = 'admin' then 70 else 40 end
        when p_act.action = 'pause.created' and p_act.entity_id like 'all:%' then 70
        when p_act.action like '%.erased' or p_act.action like '%.redacted' then 60
        when p_act.action in ('user.second_factor_disabled', 'second_factor.removed') then 60
        when p_act.action like '%.exported' then 50
        when p_act.action = 'tenant.status_changed' then 50
        when p_act.entity_type = 'limit' and (p_act.entity_id like '%:*') then 50
        when p_act.action = 'user.created' and p_act.after ->> 'role' = 'admin' then 50
        when p_act.action in ('user.locked', 'login.locked') then 40
        when p_act.action = 'user.deleted' or p_act.action = 'store.deleted' then 40
        when p_act.action like 'secret%' or p_act.action = 'api_key.scopes_changed' then 40
        when p_act.action in ('user.password_changed', 'user.email_changed', 'user.unlocked', 'password.changed', 'login.unlocked') then 30
        when p_act.entity_type = 'setting' then 30
        when p_act.entity_type in ('pause', 'limit', 'job_type', 'retry_policy', 'store', 'worker', 'host', 'tenant', 'tenant_config', 'quota', 'feature_flag') then 20
        when p_act.action = 'api_key.created' then 20
        when p_act.action = 'login.failed' then 10
        when p_act.action like '%.deleted' or p_act.action like '%.revoked' then 10
        else 0
    end;

    -- 2. A key that may much, or for ever.
    if p_act.action in ('api_key.created', 'api_key.scopes_changed') then
        v_risk := v_risk
            + case when v_scopes > 4 or p_act.after -> 'scopes' ?| array['*', 'admin', 'all'] then 30 else 0 end
            + case when p_act.action = 'api_key.created' and coalesce(p_act.after -> 'expires_at', 'null') = 'null' then 10 else 0 end;
    end if;

    -- 3. How many at once.
    if v_jobs >= 10 then
        v_risk := v_risk + case when v_jobs >= 1000 then 60 when v_jobs >= 100 then 40 else 20 end
            + case when p_act.action like '%.cancelled' or p_act.action like '%.deleted' then 10 else 0 end;
    end if;

    -- 4. One deletion after the other by the same hand: ten within ten minutes, and fifty.
    if p_act.action like '%.deleted' then
        select count(*) into v_times from (
            select from ops.audit_logs as a
            where a.actor_id = p_act.actor_id and a.action = p_act.action
                and a.created_at > v_now - interval '10 minutes' and a.created_at <= v_now
            limit 50
        ) as recent;
        v_risk := v_risk + case when v_times >= 49 then 60 when v_times >= 9 then 30 else 0 end;
    end if;

    -- 5. Log-ins that fail one after the other, of one person or from one address: 10 for each of the last hour.
    if p_act.action = 'login.failed' then
        select greatest(
            (
                select count(*) from (
                    select from ops.audit_logs as a
                    where a.client_ip = p_act.client_ip and a.action = p_act.action and a.created_at > v_now - interval '1 hour' and a.created_at <= v_now
                    limit 7
                ) as same_address
            ),
            (
                select count(*) from (
                    select from ops.audit_logs as a
                    where a.entity_type = p_act.entity_type and a.entity_id = p_act.entity_id and a.action = p_act.action
                        and a.created_at > v_now - interval '1 hour' and a.created_at <= v_now
                    limit 7
                ) as same_person
            )
        ) into v_times;
        v_risk := v_risk + 10 * v_times;
    end if;

    -- 6. A session from an address or a device that the person's earlier ones of 90 days were not from.
    if p_act.action = 'session.created' and p_act.subject_user_id is not null then
        select count(*) as sessions, coalesce(bool_or(r.client_ip = p_act.client_ip), false) as same_address,
            coalesce(bool_or(r.user_agent = p_act.user_agent), false) as same_device
        into v_earlier
        from (
            select a.client_ip, a.user_agent, a.action from ops.audit_logs as a
            where a.subject_user_id = p_act.subject_user_id and a.created_at > v_now - interval '90 days' and a.created_at <= v_now
            order by a.created_at desc, a.id desc
            limit v_most
        ) as r
        where r.action = 'session.created';
        if v_earlier.sessions > 0 then
            v_risk := v_risk
                + case when p_act.client_ip is not null and not v_earlier.same_address then 30 else 0 end
                + case when p_act.user_agent is not null and not v_earlier.same_device then 30 else 0 end;  -- mutant: a new device is nothing new
        end if;
    end if;
    return least(v_risk, 100);
end;
$$;

comment on function ops.risk_of_act(ops.audit_logs) is $$
How much an act deserves a look, 0 to 100: the sum of the rules that sql/README.md lists, at most 100. Everyday acts have 0 to 10. The past is looked at for log-ins
that fail, for sessions and for deletions, and at most 200 rows of it.

Arguments
  p_act  the act as it is to be written; its id is not needed
$$;
