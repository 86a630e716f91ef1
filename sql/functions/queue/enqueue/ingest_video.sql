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
    v_user uuid := coalesce(ingest_video.user_id, base.current_user_id());
begin
    perform identity.check_may_write();
    v_tenant := identity.check_tenant(null, ingest_video.tenant);
    if not identity.may_see(v_tenant, v_user) then  -- mutant: a member ingests for another
        raise exception 'no user % of this tenant', v_user using errcode = 'RQ004', hint = 'Leave user_id out: what you bring in is yours.';
    end if;
    v_video := media.create_video(
        ingest_video.source_url, v_tenant, v_user, ingest_video.title, ingest_video.original_filename
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
  user_id     whose video it is; null: the one of reelq.user_id, else nobody's in particular
  options     as of queue.enqueue_pipeline

Raises
  RQ004  no such tenant, user or pipeline
  RQ008  no such kind of source, or options that the steps do not take
  RQ012  the tenant is not active
  RQ016  a viewer, who may only look
$$;
