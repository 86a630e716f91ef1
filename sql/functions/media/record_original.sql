create or replace function media.record_original(
    p_asset_id uuid,
    p_bucket text,
    p_key text,
    p_size_bytes bigint,
    p_sha256 text,
    p_mime text
)
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

    if num_nulls(p_bucket, p_key, p_size_bytes, p_sha256) > 0 then
        raise exception 'an original must have bucket, key, size and checksum, not null for one of them'
            using errcode = 'RQ008', hint = 'Give what the store answered to the upload.';
    end if;

    perform media.set_original(p_asset_id, media.register_object(v_tenant, p_bucket, p_key, p_size_bytes, p_sha256, p_mime), p_mime);
end;
$$;

comment on function media.record_original(uuid, text, text, bigint, text, text) is $$
Say where the original lies, of bytes that were put before anything was registered, as by a worker of 0.1.0; the asset goes on to transcoding. Else: media.set_original.

Call it in the transaction that completes the job, so that the lease guards it. A
second call puts the new object in the place of the old one; the same again writes nothing.

Arguments
  p_mime  null keeps what is known

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  unknown asset
  RQ008  a fact is missing or has the wrong shape
  RQ009  the key is that of other bytes
  RQ018  the object is being deleted
$$;
