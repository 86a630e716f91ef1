create or replace function media.set_original(p_asset_id uuid, p_object_id uuid, p_mime text default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
begin
    perform base.check_read_committed();
    select a.tenant_id into v_tenant from media.assets as a where a.id = p_asset_id and base.may_act_for(a.tenant_id);
    if v_tenant is null then
        raise exception 'no asset %', coalesce(p_asset_id::text, 'null')
            using errcode = 'RQ004', hint = 'Take asset_id from media.get_work.';
    end if;

    perform media.use_object(p_object_id, v_tenant);
    update media.assets as a
    set
        object_id = p_object_id,
        mime = coalesce(p_mime, a.mime),
        status = case when a.status in ('uploading', 'scanning') then 'transcoding' else a.status end,
        last_used_at = case when a.object_id is distinct from p_object_id then base.clock() else a.last_used_at end
    where
        a.id = p_asset_id
        and ((a.object_id, a.mime) is distinct from (p_object_id, coalesce(p_mime, a.mime)) or a.status in ('uploading', 'scanning'));
end;
$$;

comment on function media.set_original(uuid, uuid, text) is $$
Say which object is the original; the asset goes on to transcoding.

Call it in the transaction that completes the job, so that the lease guards it. A second call puts the new object in the place of the old one; the same again writes nothing.

Arguments
  p_object_id  from media.finish_object, or of another asset of the tenant
  p_mime       null keeps what is known

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  unknown asset
  RQ018  the object is gone, or not the tenant's
$$;
