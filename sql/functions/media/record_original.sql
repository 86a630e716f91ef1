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
set search_path = ''
as $$
begin
    if not exists (
        select 1 from media.assets as asset where asset.id = p_asset_id and base.may_act_for(asset.tenant_id)
    ) then
        raise exception 'unknown asset: %', p_asset_id
            using
                errcode = 'RQ004',
                hint = 'Take asset_id from media.get_work.';
    end if;

    if num_nulls(p_bucket, p_key, p_size_bytes, p_sha256) > 0 then
        raise exception 'an original has bucket, key, size and checksum'
            using
                errcode = 'RQ008',
                hint = 'Give what the store answered to the upload.';
    end if;

    update media.assets as asset
    set
        bucket = p_bucket,
        key = p_key,
        size_bytes = p_size_bytes,
        sha256 = p_sha256,
        mime = coalesce(p_mime, asset.mime),
        status = case when asset.status in ('uploading', 'scanning') then 'transcoding' else asset.status end
    where
        asset.id = p_asset_id
        and (
            (asset.bucket, asset.key, asset.size_bytes, asset.sha256, asset.mime)
            is distinct from (p_bucket, p_key, p_size_bytes, p_sha256, coalesce(p_mime, asset.mime))
            or asset.status in ('uploading', 'scanning')
        );
exception
    when check_violation then
        raise exception 'not an original: %', sqlerrm
            using
                errcode = 'RQ008',
                hint = 'The size is in bytes and not negative, the checksum is SHA-256 in 64 lower-case hex digits.';
end;
$$;

comment on function media.record_original(uuid, text, text, bigint, text, text) is $$
Say where the original lies; the asset goes on to transcoding.

Call it in the transaction that completes the job, so that the lease guards it. A
second call puts the new object in the place of the old one; the same again writes nothing.

Arguments
  p_mime  null keeps what is known

Raises
  RQ004  unknown asset
  RQ008  a fact is missing or has the wrong shape
$$;
