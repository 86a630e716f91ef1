create or replace function ops.begin_erasure(p_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    perform base.check_read_committed();
    v_id := ops.request_erasure(p_user_id);
    update ops.erasures as e set status = 'running', began_at = base.clock(), erased_by = ops.acting_person()
    where e.id = v_id and e.status = 'requested';
    -- From here on nobody logs in, acts or brings anything as this user.
    update identity.users as u
    set status = 'deleted', deleted_at = coalesce(u.deleted_at, base.clock())
    where u.id = p_user_id and (u.status <> 'deleted' or u.deleted_at is null);
    return v_id;
end;
$$;

comment on function ops.begin_erasure(uuid) is $$
Begin the erasure of a user, or go on with the one that was begun or asked for; return its id. The account is closed at once; ops.erase_rows does the rest.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such user, or nobody whom the caller may see
  RQ009  the user was erased already
$$;
