create or replace function media.open_variant(p_video_id uuid, p_profile text)
returns table (bucket text, key text, region text, storage_class text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_object media.objects;
begin
    select o.*
    into v_object
    from media.videos as v
    inner join media.variants as r on r.asset_id = v.asset_id and r.profile = p_profile
    inner join media.objects as o on r.object_id = o.id
    where v.id = p_video_id and v.deleted_at is null and identity.may_see(v.tenant_id, v.user_id);  -- mutant: another's variant is opened

    if v_object.id is null then
        raise exception 'no video % with a variant %', coalesce(p_video_id::text, 'null'), coalesce(quote_literal(left(p_profile, 80)), 'null')
            using errcode = 'RQ004', hint = 'Look with: reelq videos show, or media.list_variants().';
    end if;

    if current_setting('transaction_read_only') = 'off' then
        perform media.touch_objects(array[v_object.id]);
    end if;
    return query select v_object.bucket, v_object.key, media.store_region(v_object.bucket), v_object.storage_class;
end;
$$;

comment on function media.open_variant(uuid, text) is $$
Where a variant lies, for somebody who is about to read it, as by a signed link; its object counts as used today.

Returns
  region         of a tenant's own bucket; null: of the settings
  storage_class  of media.objects: a cold one has to be called back first

Raises
  RQ004  unknown or deleted video, or it has no such variant
$$;
