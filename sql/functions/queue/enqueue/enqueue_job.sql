create or replace function queue.enqueue_job(
    job_type text,
    video_id uuid default null,
    asset_id uuid default null,
    tenant_id uuid default null,
    user_id uuid default null,
    job_data jsonb default '{}',
    priority integer default null,
    scheduled_for timestamptz default null,
    depends_on uuid[] default null,
    on_parent_failure text default null,
    idempotency_key text default null,
    max_attempts integer default null,
    limits text[] default null,
    channel_id uuid default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
    v_id uuid;
    v_tenant uuid := enqueue_job.tenant_id;
    v_job queue.processing_jobs;
begin
    if enqueue_job.priority not between 1 and 10 then
        raise exception 'priority must be 1 (first) to 10 (last), not %', enqueue_job.priority
            using errcode = 'RQ008', hint = 'Leave it out for the default of the job type.';
    end if;
    if enqueue_job.idempotency_key is not null then
        v_tenant := queue.resolve_tenant(v_tenant, enqueue_job.video_id, enqueue_job.asset_id);
    end if;
    -- Before anything is told of what is the tenant's. A job that names none of that is asked once, by queue.tg_route_new_jobs.
    if v_tenant is not null
        and coalesce(
            enqueue_job.idempotency_key, enqueue_job.video_id::text, enqueue_job.asset_id::text, enqueue_job.user_id::text, enqueue_job.channel_id::text,
            enqueue_job.depends_on::text, enqueue_job.limits::text
        ) is not null
        and not base.may_act_for(v_tenant) then
        raise exception 'tenant must be your own, not %', v_tenant
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    -- One row that is inserted whole: psql prints the text of a statement in which a trigger refuses something, so it is short.
    v_job.id := base.uuid_v7();
    v_job.job_type := enqueue_job.job_type;
    v_job.video_id := enqueue_job.video_id;
    v_job.asset_id := enqueue_job.asset_id;
    v_job.tenant_id := enqueue_job.tenant_id;
    v_job.user_id := enqueue_job.user_id;
    v_job.job_data := enqueue_job.job_data;
    v_job.priority := enqueue_job.priority;
    v_job.depends_on := enqueue_job.depends_on;
    v_job.on_parent_failure := enqueue_job.on_parent_failure;
    v_job.idempotency_key := enqueue_job.idempotency_key;
    v_job.max_attempts := enqueue_job.max_attempts;
    v_job.limits := coalesce(enqueue_job.limits, '{}');
    v_job.channel_id := enqueue_job.channel_id;
    v_job.status := 'queued';
    v_job.token := 0;
    v_job.attempts := 0;
    v_job.crashes := 0;
    v_job.created_at := base.clock();
    v_job.updated_at := v_job.created_at;
    v_job.status_changed_at := v_job.created_at;
    v_job.scheduled_for := coalesce(enqueue_job.scheduled_for, v_job.created_at);
    loop
        if enqueue_job.idempotency_key is not null then
            v_id := queue.find_by_idempotency_key(v_tenant, enqueue_job.idempotency_key);
            if v_id is not null then
                return v_id;
            end if;
        end if;
        insert into queue.processing_jobs values (v_job.*) on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing returning id into v_id;
        if found then
            return v_id;
        end if;
        -- Another session committed the same key after the check above: check again.
    end loop;
end;
$$;

comment on function queue.enqueue_job(
    text, uuid, uuid, uuid, uuid, jsonb, integer, timestamptz, uuid[], text, text, integer, text[], uuid
) is $$
Enqueue one job; returns its id. Name the arguments:
  select queue.enqueue_job('video_transcode', video_id => '…', priority => 2);

Arguments
  job_type           a row of queue.job_types
  video_id           tenant, user and asset are filled from it
  tenant_id          whose it is; null: the video's or asset's, else the one that reelq.tenant_id names
  job_data           JSON object for the handler
  priority           1 (first) to 10 (last); null: the type's default. For a tenant from the setting tenant_priority on
  scheduled_for      not before this time; null: now
  depends_on         jobs that have to complete first
  on_parent_failure  if one of them fails for good: fail (default), cancel, or run all the same
  idempotency_key    a second call of the tenant with the same key returns the first job
  max_attempts       null: the type's default
  limits             named limits that it is under besides those of its type and tenant; what a tenant names is its own, see queue.set_limit
  channel_id         the channel that it is for, by which it can be paused

Raises
  RQ002 isolation, RQ003 job type, RQ004 video or tenant, RQ005 unknown parent, RQ008 nonsense, RQ012 tenant, RQ016 a viewer, or a key without write
$$;
