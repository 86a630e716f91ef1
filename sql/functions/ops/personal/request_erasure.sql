create or replace function ops.request_erasure(p_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_id uuid;
begin
    perform base.check_read_committed();
    v_tenant := ops.check_subject(p_user_id);
    perform identity.check_manages_account(p_user_id);
    perform from identity.users as u where u.id = p_user_id for key share;
    if not found then
        raise exception 'user % must be there to be erased, and was erased already', p_user_id
            using errcode = 'RQ009', hint = 'See: select * from ops.erasures where user_id = …';
    end if;
    insert into ops.erasures (tenant_id, user_id, requested_by)
    values (v_tenant, p_user_id, ops.acting_person())
    on conflict (user_id) where status <> 'completed' do nothing
    returning id into v_id;
    if v_id is not null then
        perform base.record_act(
            'user.erasure_requested', 'user', p_user_id::text, p_tenant_id => v_tenant,
            p_facts => jsonb_build_object('subject_user_id', p_user_id, 'erasure', v_id)
        );
        return v_id;
    end if;
    return (select e.id from ops.erasures as e where e.user_id = p_user_id and e.status <> 'completed');
end;
$$;

comment on function ops.request_erasure(uuid) is $$
Ask that a user be erased; return the erasure's id. Nothing goes yet: `reelq users erase-requested` does it, which can reach the store. Asked again it is the same one.
For the user themselves (reelq.user_id), also a viewer; the tenant's admin; the tenant itself; operators.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such user, or nobody whom the caller may see
  RQ016  the scope of the caller's key does not allow it
  RQ009  the user was erased already
$$;
