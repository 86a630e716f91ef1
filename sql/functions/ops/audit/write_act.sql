create or replace function ops.write_act(
    p_action text,
    p_entity_type text,
    p_entity_id text,
    p_before jsonb,
    p_after jsonb,
    p_tenant_id uuid,
    p_facts jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_act ops.audit_logs;
    v_facts jsonb := coalesce(p_facts, '{}');
    v_key text := current_setting('reelq.api_key_id', true);
    v_constraint text;
begin
    v_act.created_at := base.clock();
    v_act.tenant_id := coalesce(p_tenant_id, base.current_tenant());
    v_act.login_role := session_user;
    v_act.db_role := coalesce(nullif(current_setting('role', true), 'none'), session_user::text);
    v_act.program := left(nullif(current_setting('application_name', true), ''), 200);
    v_act.session_ip := inet_client_addr();
    v_act.user_id := nullif(base.current_user_id(), '00000000-0000-0000-0000-000000000000');  -- that is nobody
    v_act.api_key_id := case when v_key ~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then v_key::uuid end;
    v_act.request_id := left(nullif(current_setting('reelq.request_id', true), ''), 200);
    v_act.client_ip := ops.read_inet(current_setting('reelq.client_ip', true));
    v_act.user_agent := left(nullif(current_setting('reelq.user_agent', true), ''), 500);

    -- Whoever may set a setting may set any id. One counts that is of the tenant which is named (without one nobody is asked who they are): else
    -- an act would stand under the name of whom the caller likes.
    if v_act.user_id is not null and not coalesce(ops.is_of_tenant('identity.users', v_act.user_id), false) then  -- mutant: anybody's user is the actor
        v_act.user_id := null;
    end if;
    if v_act.api_key_id is not null and not coalesce(ops.is_of_tenant('identity.api_keys', v_act.api_key_id), false) then  -- mutant: anybody's key is the actor
        v_act.api_key_id := null;
    end if;

    -- Only functions of ours come here: what they say of themselves is true. A program's name is taken for a worker's of trusted callers only.
    if v_facts ->> 'system' <> '' then
        v_act.actor_kind := 'system';
        v_act.actor_id := v_facts ->> 'system';
    elsif v_act.api_key_id is not null then
        v_act.actor_kind := 'key';
        v_act.actor_id := v_act.api_key_id;
    elsif v_act.user_id is not null then
        v_act.actor_kind := 'user';
        v_act.actor_id := v_act.user_id;
    elsif base.is_trusted() and exists (select from queue.workers as w where w.worker_id = v_act.program) then
        v_act.actor_kind := 'worker';
        v_act.actor_id := v_act.program;
    else
        v_act.actor_kind := 'role';
        v_act.actor_id := v_act.db_role;
    end if;

    v_act.action := p_action;
    v_act.entity_type := p_entity_type;
    v_act.entity_id := left(p_entity_id, 500);
    v_act.subject_user_id := case
        when v_facts ->> 'subject_user_id' ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then v_facts ->> 'subject_user_id'
        when p_entity_type = 'user' and p_entity_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_entity_id
    end;
    v_act.before := ops.scrub_json(case when jsonb_typeof(p_before) = 'object' then p_before when p_before <> 'null' then jsonb_build_object('value', p_before) end);
    v_act.after := ops.scrub_json(case when jsonb_typeof(p_after) = 'object' then p_after when p_after <> 'null' then jsonb_build_object('value', p_after) end);
    v_act.facts := ops.scrub_json(v_facts - '{system,subject_user_id}'::text[]);
    v_act.risk_score := ops.risk_of_act(v_act);

    for v_try in 1..2 loop
        begin
            insert into ops.audit_logs (
                tenant_id, actor_kind, actor_id, db_role, login_role, program, session_ip, user_id, api_key_id, subject_user_id, request_id,
                client_ip, user_agent, action, entity_type, entity_id, before, after, facts, risk_score, created_at
            )
            values (
                v_act.tenant_id, v_act.actor_kind, v_act.actor_id, v_act.db_role, v_act.login_role, v_act.program, v_act.session_ip,
                v_act.user_id, v_act.api_key_id, v_act.subject_user_id, v_act.request_id, v_act.client_ip, v_act.user_agent, v_act.action,
                v_act.entity_type, v_act.entity_id, v_act.before, v_act.after, v_act.facts, v_act.risk_score, v_act.created_at
            );
            return;
        exception
            when check_violation then
                get stacked diagnostics v_constraint = constraint_name;
                -- No constraint's name: the month has no partition, since upkeep has not run. An act is never lost for that.
                if v_constraint <> '' or v_try = 2 then
                    raise;
                end if;
        end;
        perform base.make_partition('ops.audit_logs', (v_act.created_at at time zone 'UTC')::date);  -- mutant: an act in a month without a partition is lost
    end loop;
end;
$$;

comment on function ops.write_act(text, text, text, jsonb, jsonb, uuid, jsonb) is $$
What base.record_act does: enters an act, and makes the partition of its month where that is missing. Who acts is, in this order:

  system  the upkeep that p_facts names as system
  key     reelq.api_key_id, if it is a key of the tenant in reelq.tenant_id
  user    reelq.user_id, if it is a user of that tenant, deleted or not
  worker  a trusted caller whose application_name is that of a registered worker
  role    the database role

Request, address and program come from reelq.request_id, reelq.client_ip and reelq.user_agent; an address that is none is left out.
$$;
