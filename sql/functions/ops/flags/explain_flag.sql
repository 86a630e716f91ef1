create or replace function ops.explain_flag(p_flag text, p_tenant_id uuid default null, p_user_id uuid default null)
returns table (is_on boolean, reason text, about text, bucket integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_subject record;
begin
    perform base.check_operator();
    select s.* into v_subject from ops.flag_subject(p_tenant_id, p_user_id) as s;
    return query select d.is_on, d.reason, d.about, d.bucket from ops.decide_flag(p_flag, v_subject.tenant_id, v_subject.user_id) as d;
end;
$$;

comment on function ops.explain_flag(text, uuid, uuid) is $$
Why a flag is on or off for a tenant and user: the rule that decided, and the bucket of the rollout. For operators, since it tells rules about others.

Arguments
  p_tenant_id  null: the user's
  p_user_id    null: nobody in particular

Raises
  42501  the caller acts for a tenant
$$;
