create or replace function ops.failed_logins(p_tenant text default null, p_since timestamptz default null, p_least integer default 1)
returns table (
    tenant_id uuid, user_id uuid, email text, client_ip inet, failures bigint, locked boolean, first_at timestamptz, last_at timestamptz, risk_score integer
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
    v_tenant uuid := base.current_tenant();
    v_since timestamptz := coalesce(p_since, base.clock() - interval '1 day');
begin
    if v_tenant is null and not base.is_trusted() then
        raise exception 'reelq.tenant_id must be set to see the audit' using errcode = 'RQ004', hint = 'set reelq.tenant_id to your own tenant.';
    end if;
    if identity.limited_to() is not null then
        return;  -- as row security has it: nothing is visible
    end if;
    if p_tenant is not null then
        v_tenant := identity.find_tenant(p_tenant);
    end if;
    return query
    select f.tenant_id, f.subject_user_id, max(u.email), f.client_ip, count(*) filter (where f.action = 'login.failed'), bool_or(f.action = 'login.locked'),
        min(f.created_at), max(f.created_at), max(f.risk_score)::integer
    from (
        select * from (
            select a.* from ops.audit_logs as a
            where v_tenant is null and a.action = 'login.failed' and a.created_at >= v_since order by a.created_at desc, a.id desc limit 10000
        ) as f1
        union all
        select * from (
            select a.* from ops.audit_logs as a
            where v_tenant is null and a.action = 'login.locked' and a.created_at >= v_since order by a.created_at desc, a.id desc limit 10000
        ) as f2
        union all
        select * from (
            select a.* from ops.audit_logs as a
            where a.tenant_id = v_tenant and a.action = 'login.failed' and a.created_at >= v_since order by a.created_at desc, a.id desc limit 10000
        ) as f3
        union all
        select * from (
            select a.* from ops.audit_logs as a
            where a.tenant_id = v_tenant and a.action = 'login.locked' and a.created_at >= v_since order by a.created_at desc, a.id desc limit 10000
        ) as f4
    ) as f
    left join identity.users as u on u.id = f.subject_user_id
    group by f.tenant_id, f.subject_user_id, f.client_ip
    having count(*) >= coalesce(p_least, 1)
    order by count(*) desc, max(f.created_at) desc;
end;
$$;

comment on function ops.failed_logins(text, timestamptz, integer) is $$
Log-ins that failed, by person and address, most first; among the latest 10,000. For operators, a tenant and its admin; another user sees none.

Arguments
  p_tenant  slug or id
  p_since   null: the last day
  p_least   only so many and more

Returns
  user_id  null: nobody has the address that was given
  locked   whether the account was locked for it

Raises
  RQ004  no such tenant; an application that has set no tenant
$$;
