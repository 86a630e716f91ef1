create or replace function ops.begin_export(p_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := ops.check_subject(p_user_id);
begin
    perform identity.check_scope('read');
    perform base.record_act('user.exported', 'user', p_user_id::text, p_tenant_id => v_tenant, p_facts => jsonb_build_object('subject_user_id', p_user_id));
    return v_tenant;
end;
$$;

comment on function ops.begin_export(uuid) is $$
Enter in the audit that somebody's data is about to be taken out; return their tenant. ops.export_rows and ops.export_objects then give it, on one snapshot if
the transaction is REPEATABLE READ.

Raises
  RQ004  no such user, or nobody whom the caller may see
  RQ016  the scope of the caller's key does not allow it
$$;
