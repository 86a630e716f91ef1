create or replace function media.request_restore(p_bucket text, p_key text)
returns table (id uuid, storage_class text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_read_committed();
    perform identity.check_may_write();
    return query
    update media.objects as o
    set
        storage_class = case when o.storage_class in ('hot', 'cooling', 'cold') then 'restoring' else o.storage_class end,
        last_used_at = greatest(o.last_used_at, base.clock())
    where
        o.bucket = p_bucket and o.key = p_key and o.state = 'stored'
        and base.may_act_for(o.tenant_id)  -- mutant: another tenant's bytes are called back
        and identity.limited_to() is null  -- mutant: a member calls back another's bytes
    returning o.id, o.storage_class;
    if not found then
        raise exception 'no stored object % in %', coalesce(quote_literal(left(p_key, 200)), 'null'), coalesce(quote_literal(left(p_bucket, 200)), 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq store list, or media.list_objects().';
    end if;
end;
$$;

comment on function media.request_restore(text, text) is $$
Somebody wants to read a cold object: it is restoring from now on, and used. Ask the store for it after this has committed, so that whoever follows objects
that are on their way (reelq store cool) looks after it.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such stored object, or not one of the caller's tenant, or the caller is a member of it and no admin
  RQ016  a viewer, or a key without write
$$;
