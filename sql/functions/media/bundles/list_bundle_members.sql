create or replace function media.list_bundle_members(p_bundle text)
returns table (asset_id uuid, kind text, original_filename text, size_bytes bigint, retention_class text, videos bigint, added_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bundle uuid := media.find_bundle(p_bundle);
    v_only uuid := identity.limited_to();
begin
    return query
    select
        a.id, a.kind, a.original_filename, o.size_bytes, a.retention_class,
        (select count(*) from media.videos as v where v.asset_id = a.id and v.deleted_at is null), m.created_at
    from media.bundle_members as m
    inner join media.assets as a on a.id = m.asset_id
    left join media.objects as o on o.id = a.object_id
    where m.bundle_id = v_bundle and base.may_act_for(a.tenant_id) and (v_only is null or a.owner_user_id = v_only)
    order by m.created_at, a.id;
end;
$$;

comment on function media.list_bundle_members(text) is $$
The files that are in a bundle, in the order in which they came; a member sees those that are theirs.

Arguments
  p_bundle  its id, or its name

Returns
  videos  how many live videos show the file

Raises
  RQ004  no such bundle
  RQ008  two tenants have a bundle of this name
$$;
