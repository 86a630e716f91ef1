create or replace function queue.ingest_video(
    source_url text,
    tenant text default null,
    user_id uuid default null,
    pipeline text default 'standard',
    options jsonb default '{}',
    title text default null,
    original_filename text default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_video uuid;
begin
    v_tenant := identity.check_tenant(null, ingest_video.tenant);
    v_video := media.create_video(
        ingest_video.source_url, v_tenant, ingest_video.user_id, ingest_video.title, ingest_video.original_filename
    );
    perform queue.enqueue_pipeline(ingest_video.pipeline, v_video, ingest_video.options);
    return v_video;
end;
$$;

comment on function queue.ingest_video(text, text, uuid, text, jsonb, text, text) is $$
A file comes in: make the video and enqueue its pipeline, in one transaction. Returns the video's id.

Arguments
  source_url  a path on the workers' hosts, http(s)://… or s3://bucket/key
  tenant      slug of the owner; null: the one that reelq.tenant_id names, else "default"
  options     as of queue.enqueue_pipeline

Raises
  RQ004  no such tenant, user or pipeline
  RQ008  no such kind of source, or options that the steps do not take
  RQ012  the tenant is not active
$$;
