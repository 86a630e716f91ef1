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
begin
    if not exists (
        select from media.assets as a where a.id = p_asset_id and base.may_act_for(a.tenant_id)
    ) then
        raise exception 'no asset %', coalesce(p_asset_id::text, 'null')
            using errcode = 'RQ004', hint = 'Take asset_id from media.get_work.';
    end if;

    if num_nulls(p_bucket, p_key, p_size_bytes, p_sha256) > 0 then
        raise exception 'an original must have bucket, key, size and checksum, not null for one of them'
            using errcode = 'RQ008', hint = 'Give what the store answered to the upload.';
    end if;

    update media.assets as a
    set
        bucket = p_bucket,
        key = p_key,
        size_bytes = p_size_bytes,
        sha256 = p_sha256,
        mime = coalesce(p_mime, a.mime),
        status = case when a.status in ('uploading', 'scanning') then 'transcoding' else a.status end
    where
        a.id = p_asset_id
        and (
            (a.bucket, a.key, a.size_bytes, a.sha256, a.mime)
            is distinct from (p_bucket, p_key, p_size_bytes, p_sha256, coalesce(p_mime, a.mime))
            or a.status in ('uploading', 'scanning')
        );
exception
    when check_violation then
        raise exception 'an original must fit the columns of media.assets: %', sqlerrm
            using errcode = 'RQ008', hint = 'The size is in bytes and not negative, the checksum is SHA-256 in 64 lower-case hex digits.';
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
