create or replace function ops.list_acts(
    p_tenant text default null,
    p_actor text default null,
    p_action text default null,
    p_entity_type text default null,
    p_entity_id text default null,
    p_about text default null,
    p_request_id text default null,
    p_client_ip inet default null,
    p_since timestamptz default null,
    p_until timestamptz default null,
    p_min_risk integer default null,
    p_limit integer default 50,
    p_after bigint default null,
    p_id bigint default null
)
returns table (
    id bigint, created_at timestamptz, tenant text, actor text, action text, entity_type text, entity_id text, risk_score integer,
    diff jsonb, before jsonb, after jsonb, facts jsonb, request_id text, client_ip inet, user_agent text, actor_kind text, tenant_id uuid, user_id uuid,
    api_key_id uuid, subject_user_id uuid, db_role text, login_role text, program text, session_ip inet, redacted_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    v_is_operator constant boolean := base.current_tenant() is null and base.is_trusted();
    v_tenant uuid := base.current_tenant();
    v_user constant uuid := identity.limited_to();  -- mutant: a member reads all acts
    v_actor uuid;
    v_about uuid;
    v_at timestamptz;
    v_where text := 'true';
    v_from text;
    v_order text;
    v_entity_id text := p_entity_id;
    v_known text[];
begin
    if v_tenant is null and not v_is_operator then
        raise exception 'reelq.tenant_id must be set to see the audit'
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 50; p_after gives the next page.';
    end if;
    if p_min_risk not between 20 and 100 then
        raise exception 'risk must be 20 to 100, not %', p_min_risk using errcode = 'RQ008', hint = 'Everyday acts have less than 20; leave it out for all.';
    end if;
    if p_since not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' or p_until not between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' then
        raise exception 'since and until must be times of the years 1900 to 9998, not %', concat_ws(' and ', p_since, p_until)
            using errcode = 'RQ008', hint = 'Leave one out for no bound.';
    end if;
    if p_since >= p_until then
        raise exception 'since must be before until, not % and %', p_since, p_until
            using errcode = 'RQ008', hint = 'Both are times; until is left out for now.';
    end if;
    if p_entity_id is not null and p_entity_type is null then
        raise exception 'an entity must have a type beside its id, not only %', quote_literal(left(p_entity_id, 80))
            using errcode = 'RQ008', hint = 'Such as user, api_key, pause, limit, video, job.';
    end if;
    if p_tenant is not null then
        v_tenant := identity.find_tenant(p_tenant);
    end if;
    -- People name tenants by slug and users by address; the audit has ids, also of those that are gone.
    if p_entity_type in ('tenant', 'tenant_config') and p_entity_id !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        v_entity_id := identity.named_tenant(p_entity_id)::text;
    elsif p_entity_type = 'user' and p_entity_id like '%@%' then
        v_entity_id := ops.find_person(p_entity_id, v_tenant)::text;
    end if;
    if p_actor in ('user', 'key', 'worker', 'role', 'system') then
        v_where := v_where || ' and a.actor_kind = $2';
    elsif p_actor ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
        v_actor := p_actor::uuid;
        -- A user's acts are theirs also when they came through a key.
        v_where := v_where || case when exists (select from identity.users as u where u.id = v_actor) then ' and a.user_id = $3' else ' and a.actor_id = $2' end;
    elsif p_actor like '%@%' then
        v_actor := ops.find_person(p_actor, v_tenant);
        v_where := v_where || ' and a.user_id = $3';
    elsif p_actor is not null then
        perform base.check_operator();
        v_where := v_where || ' and a.actor_id = $2';
    end if;
    if p_about is not null then
        v_about := ops.find_person(p_about, v_tenant);
        v_where := v_where || ' and a.subject_user_id = $4';
    end if;
    if p_after is not null then
        select a.created_at into v_at from ops.audit_logs as a
        where a.id = p_after and (v_tenant is null or a.tenant_id = v_tenant) and (v_user is null or v_user in (a.user_id, a.subject_user_id));
        if not found then
            raise exception 'no act % to go on after', p_after using errcode = 'RQ004', hint = 'Give the id of the last act of a page.';
        end if;
        v_where := v_where || ' and a.created_at <= $5 and (a.created_at, a.id) < ($5, $6)';
    end if;
    v_where := v_where
        || case when v_tenant is not null then ' and a.tenant_id = $1' else '' end  -- mutant: a tenant reads another's acts
        || case when p_action like '%.%' then ' and a.action = $8' when p_action is not null then ' and a.action like $8 || ''.%''' else '' end
        || case when p_entity_type is not null then ' and a.entity_type = $9' else '' end
        || case when p_entity_id is not null then ' and a.entity_id = $10' else '' end
        || case when p_request_id is not null then ' and a.request_id = $11' else '' end
        || case when p_client_ip is not null then ' and a.client_ip = $12' else '' end
        || case when p_since is not null then ' and a.created_at >= $13' else '' end
        || case when p_until is not null then ' and a.created_at < $14' else '' end
        || case when p_min_risk is not null then ' and a.risk_score >= 20 and a.risk_score >= $15' else '' end
        || case when p_id is not null then ' and a.id = $16' else '' end;
    v_from := 'select a.* from ops.audit_logs as a where ' || v_where;
    v_order := ' order by created_at desc, id desc limit ' || p_limit;
    if v_user is null then
        v_from := v_from || v_order;
    else
        -- What they did, and what was done to their account, by whomever: a page by the index of each. What is in both is shown once.
        v_from := 'select distinct on (created_at, id) * from ((' || v_from || ' and a.user_id = $7' || v_order
            || ') union all (' || v_from || ' and a.subject_user_id = $7' || v_order  -- mutant: a member is not told what was done to them
            || ')) as their' || v_order;
    end if;
    -- Of operators others are told that it was one.
    return query execute format(
        $q$
        select a.id, a.created_at, t.slug,
            case
                when a.actor_kind = 'user' then coalesce(u.email, '') || case when u.id is null then a.actor_id else '' end
                when a.actor_kind = 'key' then coalesce('key ' || ops.key_name(a.api_key_id, a.tenant_id), a.actor_id)
                when $17 then a.actor_id
                else a.actor_kind
            end,
            a.action, a.entity_type, a.entity_id, a.risk_score::integer, a.diff, a.before, a.after, a.facts, a.request_id,
            -- From where another acted is that other's.
            case when ($7 <> a.user_id) is not true then a.client_ip end, case when ($7 <> a.user_id) is not true then a.user_agent end,
            a.actor_kind, a.tenant_id, a.user_id, a.api_key_id, a.subject_user_id,
            case when $17 then a.db_role end, case when $17 then a.login_role end, case when $17 then a.program end, case when $17 then a.session_ip end,
            a.redacted_at
        from (%s) as a
        left join identity.tenants as t on t.id = a.tenant_id
        left join identity.users as u on u.id = a.user_id and u.tenant_id = a.tenant_id
        order by a.created_at desc, a.id desc
        $q$, v_from
    )
    using v_tenant, p_actor, v_actor, v_about, v_at, p_after, v_user, p_action, p_entity_type, v_entity_id, p_request_id, p_client_ip, p_since, p_until,
        p_min_risk, p_id, v_is_operator;
    if p_id is not null and not found then
        raise exception 'no act %', p_id using errcode = 'RQ004', hint = 'Look with: reelq audit list, or ops.list_acts().';
    end if;
    -- None is an answer for a word that acts have; of another one it would hide a slip.
    if not found and p_id is null and p_after is null and (p_entity_type is not null or p_action is not null) then
        v_known := array(select distinct t.entity_type from ops.audited_tables() as t) || '{host,job,partition,queue,secret_key,video,worker}';
        if p_entity_type <> all(v_known) then
            raise exception 'no acts are done to a %', quote_literal(left(p_entity_type, 80))
                using errcode = 'RQ008', hint = 'Known: ' || (select string_agg(distinct k, ', ' order by k) from unnest(v_known) as k) || '.';
        end if;
        v_known := v_known || '{audit,email,invitation,jobs,login,password,reset,run,second_factor,secrets}';
        if split_part(p_action, '.', 1) <> all(v_known) then
            raise exception 'no acts are called %', quote_literal(left(p_action, 80))
                using errcode = 'RQ008', hint = 'They begin with: ' || (select string_agg(distinct k, ', ' order by k) from unnest(v_known) as k) || '.';
        end if;
    end if;
end;
$$;

comment on function ops.list_acts(
    text, text, text, text, text, text, text, inet, timestamptz, timestamptz, integer, integer, bigint, bigint
) is $$
Who did what: acts of the audit, newest first; only those that fit all that is given. Operators see all, a tenant and its admin the tenant's, other users
what they did and what was done to their account, by whomever.

  select created_at, actor, action, entity_id, diff from ops.list_acts(p_action => 'user.role_changed');

Arguments
  p_tenant       slug or id
  p_actor        id of a user or key, an e-mail address; for operators also the name of a role, worker or upkeep; or a kind: user, key,
                 worker, role, system
  p_action       as user.role_changed; without a dot all of that thing: user
  p_entity_type, p_entity_id  what it was done to, as pause and 'all:'; of a tenant its slug or id, of a user the address or id
  p_about        the user whom it is about: id or e-mail address
  p_request_id, p_client_ip  which request, from which address
  p_since, p_until  when; until itself is no part of it
  p_min_risk     20 to 100
  p_limit        1 to 1000
  p_after        id of the last act of a page, for the next one
  p_id           this act alone

Raises
  RQ004  no such tenant, person or act; an application that has set no tenant
  RQ008  a value that makes no sense
  42501  a role, worker or upkeep asked for by an application
$$;
