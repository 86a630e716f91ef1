create or replace function ops.find_subject(p_user text)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if p_user ~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then
        select s.id into v_id
        from (
            select u.id, u.tenant_id from identity.users as u where u.id = p_user::uuid
            union all
            select e.user_id, e.tenant_id from ops.erasures as e where e.user_id = p_user::uuid
        ) as s
        where identity.may_see(s.tenant_id, s.id)
        limit 1;
    else
        -- Of a deleted account and a live one of the same address the live one. Two looks, each by its index.
        select u.id into v_id from identity.users as u where lower(u.email) = lower(p_user) and u.deleted_at is null and identity.may_see(u.tenant_id, u.id);
        if v_id is null then
            select u.id into v_id
            from identity.users as u
            where lower(u.email) = lower(p_user) and u.deleted_at is not null and identity.may_see(u.tenant_id, u.id)
            order by u.deleted_at desc
            limit 1;
        end if;
    end if;
    if v_id is null then
        raise exception 'no user %', coalesce(quote_literal(p_user), 'null')
            using errcode = 'RQ004', hint = 'Give an id, or the e-mail address; of one who is erased only the id is known. As an application, set reelq.tenant_id.';
    end if;
    return v_id;
end;
$$;

comment on function ops.find_subject(text) is $$
The id of the user whose data is asked for: one who is there, was deleted, or was erased.

Arguments
  p_user  id or e-mail address

Raises
  RQ004  nobody, or nobody whom the caller may see
$$;
