create or replace function ops.is_flag_on(p_flag text, p_tenant_id uuid default null, p_user_id uuid default null)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_subject record;
begin
    select s.* into v_subject from ops.flag_subject(p_tenant_id, p_user_id) as s;
    if not identity.may_see(v_subject.tenant_id, v_subject.user_id) then
        raise exception 'no tenant % with user %', coalesce(v_subject.tenant_id::text, 'null'), coalesce(v_subject.user_id::text, 'null')
            using errcode = 'RQ004', hint = 'As an application, set reelq.tenant_id; a member asks for themselves.';
    end if;
    return (select d.is_on from ops.decide_flag(p_flag, v_subject.tenant_id, v_subject.user_id) as d);
end;
$$;

comment on function ops.is_flag_on(text, uuid, uuid) is $$
Whether a flag is on for a tenant and, where one is named, a user. A flag that is not there is off. The same answer each time, and whoever is in stays in
while the percentage grows; ops.explain_flag says why.
  select ops.is_flag_on('ladder.better_compression', tenant_id, user_id);

Arguments
  p_tenant_id  null: the session's (reelq.tenant_id), else the user's
  p_user_id    null: the session's (reelq.user_id), else nobody in particular

Raises
  RQ004  not one of the caller's
$$;
