create or replace function queue.ingest_video(
    source_url text,
    tenant text default 'default',
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
    select t.id into v_tenant from identity.tenants as t where t.slug = ingest_video.tenant and base.may_act_for(t.id);
    if not found then
        raise exception 'no tenant %', coalesce(quote_literal(ingest_video.tenant), 'null')
            using errcode = 'RQ004', hint = 'select slug from identity.tenants';
    end if;
    perform queue.check_active_tenant(v_tenant);
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
  tenant      slug of the owner
  options     as of queue.enqueue_pipeline

Raises
  RQ004  no such tenant, user or pipeline
  RQ008  options make no sense
  RQ012  the tenant is not active
$$;
