create or replace function queue.ingest_video(
    source_url text,
    tenant text default null,
    user_id uuid default null,
    pipeline text default 'standard',
    options jsonb default '{}',
    title text default null,
    original_filename text default null,
    idempotency_key text default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_user uuid := coalesce(ingest_video.user_id, base.current_user_id());
    v_video uuid;
begin
    perform identity.check_may_write();
    v_tenant := identity.check_tenant(null, ingest_video.tenant);
    if not identity.may_see(v_tenant, v_user) then  -- mutant: a member ingests for another
        raise exception 'no user % of this tenant', v_user using errcode = 'RQ004', hint = 'Leave user_id out: what you bring in is yours.';
    end if;
    loop
        if ingest_video.idempotency_key is null then
            v_video := media.create_video(ingest_video.source_url, v_tenant, v_user, ingest_video.title, ingest_video.original_filename);
            exit;
        end if;
        v_video := media.find_video_by_key(v_tenant, ingest_video.idempotency_key);
        if v_video is not null then
            return v_video;
        end if;
        begin
            v_video := media.create_video(
                ingest_video.source_url, v_tenant, v_user, ingest_video.title, ingest_video.original_filename,
                p_idempotency_key => ingest_video.idempotency_key
            );
            exit;
        exception
            -- Somebody else has brought it in meanwhile, and has committed: it is found now.
            when unique_violation then
                perform base.check_read_committed();
        end;
    end loop;
    perform queue.enqueue_pipeline(ingest_video.pipeline, v_video, ingest_video.options);
    -- Last, since the quota is locked until the transaction ends.
    perform identity.use_quota(v_tenant, v_user);  -- mutant: an ingest uses up no quota
    return v_video;
end;
$$;

comment on function queue.ingest_video(text, text, uuid, text, jsonb, text, text, text) is $$
A file comes in: make the video, enqueue its pipeline and use up one of the user's monthly quota and of the tenant's, in one transaction. Returns
the video's id.

Arguments
  source_url       a path on the workers' hosts, http(s)://… or s3://bucket/key
  tenant           slug of the owner; null: the one that reelq.tenant_id names, else "default"
  user_id          whose it is; null: the user of reelq.user_id, else nobody in particular, and only the tenant's quota is used
  options          as of queue.enqueue_pipeline
  idempotency_key  a second call with it returns the first one's video, and uses up nothing

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such tenant, user or pipeline
  RQ008  no such kind of source, options that the steps do not take, or a key of more than 255 characters
  RQ009  the idempotency key is another user's, whose videos the caller may not see
  RQ012  the tenant is not active
  RQ013  the monthly quota of the user or of the tenant is used up; the detail is JSON
  RQ016  the user is a viewer, or the key has no scope write
$$;
