create or replace function media.create_video(
    p_source_url text,
    p_tenant_id uuid default null,
    p_user_id uuid default null,
    p_title text default null,
    p_original_filename text default null,
    p_metadata jsonb default '{}',
    p_idempotency_key text default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.check_tenant(p_tenant_id);
    v_asset uuid;
    v_video uuid;
begin
    perform media.check_source_url(p_source_url);
    if p_metadata is null or jsonb_typeof(p_metadata) <> 'object' then
        raise exception 'metadata must be a JSON object, not %', coalesce(jsonb_typeof(p_metadata), 'null')
            using errcode = 'RQ008', hint = 'Give {} when there is nothing to keep.';
    end if;

    if current_setting('server_encoding') = 'SQL_ASCII' and not base.is_utf8(concat(p_source_url, p_title, p_original_filename, p_metadata)) then
        raise exception 'title, source and metadata must be UTF-8 text, not other bytes'
            using errcode = 'RQ008', hint = 'This server takes any bytes (SQL_ASCII): set client_encoding = ''UTF8'' and send text in it.';
    end if;

    if p_user_id is not null and not exists (
        select
        from identity.users as u
        where u.id = p_user_id and u.tenant_id = v_tenant and u.deleted_at is null
    ) then
        raise exception 'no user % of this tenant', p_user_id
            using errcode = 'RQ004', hint = 'See: select id, email from identity.users where tenant_id = ….';
    end if;

    if p_idempotency_key is not null and length(p_idempotency_key) not between 1 and 255 then
        raise exception 'idempotency key must have 1 to 255 characters, not %', length(p_idempotency_key)
            using errcode = 'RQ008', hint = 'An order number, or a hash of what makes it one and the same video.';
    end if;

    insert into media.assets (tenant_id, owner_user_id, source, source_url, original_filename)
    values (
        v_tenant,
        p_user_id,
        case when p_source_url ~* '^(https?|s3)://' then 'imported' else 'upload' end,
        p_source_url,
        p_original_filename
    )
    returning id into v_asset;

    insert into media.videos (tenant_id, user_id, asset_id, title, metadata, idempotency_key)
    values (
        v_tenant,
        p_user_id,
        v_asset,
        nullif(left(coalesce(p_title, p_original_filename), 255), ''),
        p_metadata,
        p_idempotency_key
    )
    returning id into v_video;

    return v_video;
end;
$$;

comment on function media.create_video(text, uuid, uuid, text, text, jsonb, text) is $$
Make a video (pending) and its asset (uploading); return the video's id.

No job is made and no quota used: queue.ingest_video does all three.

Arguments
  p_source_url         what download_video fetches; see media.check_source_url
  p_tenant_id          null means the tenant of reelq.tenant_id, else "default"
  p_title              cut at 255 characters; null means the file's name
  p_original_filename  for people only; never used as a path
  p_idempotency_key    unique in the tenant; null: none. See queue.ingest_video

Raises
  RQ004  unknown tenant, or no such user in it
  RQ008  no source that a worker could fetch, metadata is not an object, or a text is not UTF-8
  RQ012  the tenant is not active
$$;
