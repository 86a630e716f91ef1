create or replace function media.use_object(p_object_id uuid, p_tenant_id uuid)
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
    perform identity.check_may_write();
    select o.id
    into v_id
    from media.objects as o
    where
        o.id = p_object_id and o.tenant_id is not distinct from p_tenant_id and base.may_act_for(p_tenant_id) and identity.limited_to() is null
        and o.state = 'stored'  -- mutant: a reference is made to what is being deleted
    for key share;  -- mutant: a reference is made while a sweep decides
    if v_id is null then
        raise exception 'object % must be stored to be referred to', coalesce(p_object_id::text, 'null')
            using errcode = 'RQ018', hint = 'It was swept, because nothing referred to it for as long as the grace: store the bytes again.';
    end if;
    update media.objects as o set unreferenced_since = null where o.id = p_object_id and o.unreferenced_since is not null;
    return v_id;
end;
$$;

comment on function media.use_object(uuid, uuid) is $$
Lock an object that is about to be referred to, until the end of the transaction; return its id. Whoever makes a reference calls it first: a foreign key alone does not know that
a sweep has begun to delete the bytes. For an application's own table too, when the tenant itself or an admin of it acts:
  select media.use_object(object_id, base.current_tenant()) from media.job_files where job_id = '…' and name = 'card.png';

Arguments
  p_tenant_id  of what refers to it: nobody refers to another tenant's bytes

Raises
  RQ002  the caller is not READ COMMITTED
  RQ016  the user is a viewer, or the key has no scope write
  RQ018  it is gone, being deleted, not stored yet, or not that tenant's; or a user asks who is no admin
$$;
