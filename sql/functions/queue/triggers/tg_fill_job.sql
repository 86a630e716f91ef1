create or replace function queue.tg_fill_job()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_type queue.job_types;
    v_video record;
    v_no text[];
begin
    if new.status <> 'queued' or new.token <> 0 or new.attempts <> 0 or new.crashes <> 0
        or new.worker_id is not null or new.started_at is not null or new.completed_at is not null then
        raise exception 'a new job must be queued, without token, attempts, worker and times, not %', new.status
            using errcode = 'RQ007', hint = 'Leave out status, token, attempts, worker_id and the times.';
    end if;

    select * into v_type from queue.job_types as t where t.job_type = new.job_type;
    if not found then
        raise exception 'no job type %', coalesce(quote_literal(new.job_type), 'null')
            using errcode = 'RQ003',
                  hint = 'Known: ' || (select string_agg(t.job_type, ', ' order by t.job_type) from queue.job_types as t);
    end if;

    if v_type.is_internal and not base.is_operator() then  -- mutant: a tenant enqueues deliveries of its own making
        raise exception 'job type % must not be enqueued by who acts for a tenant', quote_literal(new.job_type)
            using errcode = 'RQ003', hint = 'Events go out by ops.emit_event; see docs/events.md.';
    end if;

    new.priority := coalesce(new.priority, v_type.priority);
    new.max_attempts := coalesce(new.max_attempts, v_type.max_attempts);
    new.max_crashes := coalesce(new.max_crashes, v_type.max_crashes);
    new.weight := coalesce(new.weight, v_type.weight);
    new.needs := coalesce(new.needs, v_type.needs);
    new.scheduled_for := coalesce(new.scheduled_for, base.clock());
    new.on_parent_failure := coalesce(new.on_parent_failure, 'fail');
    new.job_data := coalesce(new.job_data, '{}');
    new.limits := coalesce(new.limits, '{}');
    -- Most jobs pass this one condition; only the others need the ten checks of queue.job_refusal.
    if (
        new.priority between 1 and 10 and new.max_attempts between 1 and 1000 and new.max_crashes >= 1 and new.weight between 1 and 1000
        -- See queue.job_data_refusal: so few characters with so few brackets hold nothing that it refuses.
        and jsonb_typeof(new.job_data) = 'object' and octet_length(new.job_data::text) <= 300
        and 2 * octet_length(new.job_data::text) - octet_length(replace(new.job_data::text, '[', '')) - octet_length(replace(new.job_data::text, '{', '')) <= 64
        and new.on_parent_failure = 'fail' and new.needs = '{}' and new.limits = '{}'
        and new.scheduled_for between '1900-01-01 00:00Z' and '9999-01-01 00:00Z' and new.pipeline_step is null
        and new.depends_on is null and new.depends_on_job_id is null and new.idempotency_key is null
    ) is not true then
        v_no := queue.job_refusal(new);
        if v_no is not null then
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end if;
    end if;

    if new.video_id is not null then
        -- The key share locks keep the video from being deleted before this insert commits: first of the tenant, in the order in which
        -- a tenant is deleted with its videos.
        perform from identity.tenants as t where t.id = (select v.tenant_id from media.videos as v where v.id = new.video_id and identity.may_see(v.tenant_id, v.user_id)) for key share;
        select v.tenant_id, v.user_id, v.asset_id into v_video
        from media.videos as v
        -- A tenant is told that another's video does not exist, and does not wait for whoever has locked it.
        where
            v.id = new.video_id and v.deleted_at is null
            and identity.may_see(v.tenant_id, v.user_id)  -- mutant: a foreign video is told from none
        for key share;  -- mutant: a video goes while a job of it comes
        if not found then
            raise exception 'no video %', new.video_id
                using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
        end if;
        if new.tenant_id is not null and new.tenant_id <> v_video.tenant_id then
            raise exception 'tenant of video % must be that of the job, not %', new.video_id, new.tenant_id
                using errcode = 'RQ008', hint = 'Leave tenant_id out: it is filled from the video.';
        end if;
        new.tenant_id := v_video.tenant_id;
        new.user_id := coalesce(new.user_id, v_video.user_id);
        if new.asset_id <> v_video.asset_id then
            raise exception 'asset of video % must be that of the job, not %', new.video_id, new.asset_id
                using errcode = 'RQ008', hint = 'Leave asset_id out: it is filled from the video.';
        end if;
        new.asset_id := v_video.asset_id;
        -- Another video's run, or another tenant's, is answered like one that is not there: only this video's jobs are looked at.
        if new.pipeline_run <> new.id then  -- mutant: a step joins a run of another video
            if not exists (select from queue.processing_jobs as j where j.video_id = new.video_id and j.pipeline_run = new.pipeline_run) then
                raise exception 'pipeline_run must be a run of video %, not %', new.video_id, new.pipeline_run
                    using errcode = 'RQ008', hint = 'Leave it out: queue.enqueue_pipeline begins a run, and what a step fans out into belongs to it.';
            end if;
        end if;
    elsif new.asset_id is not null then
        perform from identity.tenants as t where t.id = (select a.tenant_id from media.assets as a where a.id = new.asset_id and identity.may_see(a.tenant_id, a.owner_user_id)) for key share;
        select a.tenant_id into new.tenant_id
        from media.assets as a
        where a.id = new.asset_id and (new.tenant_id is null or a.tenant_id = new.tenant_id) and identity.may_see(a.tenant_id, a.owner_user_id) for key share;
        if not found then
            raise exception 'no asset % of this tenant', new.asset_id using errcode = 'RQ004', hint = 'select id from media.assets';
        end if;
    elsif new.tenant_id is null and current_setting('reelq.tenant_id', true) <> '' then
        new.tenant_id := base.current_tenant();
    end if;
    if new.limits <> '{}' or v_type.limits <> '{}' then
        new.limits := queue.own_limits(new.limits, v_type.limits, new.tenant_id);
    end if;
    -- Whether a user, a parent or a key is there is told only to those who may act for the tenant.
    if (new.user_id is not null or new.idempotency_key is not null) and not base.may_act_for(new.tenant_id) then
        raise exception 'tenant must be your own, not %', coalesce(new.tenant_id::text, 'null')
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    if current_setting('reelq.api_key_id', true) <> '' then
        perform identity.check_scope('write');  -- mutant: a key that reads enqueues
    end if;
    if current_setting('reelq.user_id', true) <> '' then
        perform identity.check_may_write();
        new.user_id := coalesce(new.user_id, base.current_user_id());
        if not identity.may_change(new.tenant_id, new.user_id) then  -- mutant: a member enqueues for another
            raise exception 'no user % of this tenant', new.user_id using errcode = 'RQ004', hint = 'Leave user_id out: what you enqueue is yours.';
        end if;
    end if;
    -- Two nested ifs: with the subquery in one condition, each row would cost a query even without a user.
    if new.user_id is not null then
        if not exists (select from identity.users as u where u.id = new.user_id and u.tenant_id = new.tenant_id) then
            raise exception 'no user % of this tenant', new.user_id using errcode = 'RQ004', hint = 'Leave user_id out.';
        end if;
    end if;

    if new.depends_on_job_id is not null then
        new.depends_on := array_append(coalesce(new.depends_on, '{}'), new.depends_on_job_id);
    end if;
    if new.depends_on is not null then
        new.depends_on := (select array_agg(distinct p order by p) from unnest(new.depends_on) as p);
    end if;
    return new;
end;
$$;

comment on function queue.tg_fill_job() is $$
Trigger before insert on queue.processing_jobs: fills what a plain INSERT left out, from the job
type, the video and reelq.tenant_id, and refuses what can never run. What is asked once a statement is in queue.tg_route_new_jobs.

Raises
  RQ003  no such job type
  RQ004  no such video, asset or user
  RQ007  the row does not start as queued
  RQ008  priority, JSON, parents or budgets make no sense, or a run of a pipeline that is not the video's
  RQ016  the user (reelq.user_id) is a viewer, or the key has no scope write
$$;

-- Does not fire for the rows of queue.enqueue_jobs that it has filled, and for which nothing is left to check: that saves a third of an
-- enqueue. Such a row has its `needs`, and only our functions can write one: they run as the owner, who alone may create in the schema, with their
-- pinned search_path. The condition is short because Postgres parses it anew for each statement: that of each check cost a tenth of a single job.
-- Whether type and tenant are in order is checked once a statement, by queue.tg_route_new_jobs.
create or replace trigger fill_job
before insert on queue.processing_jobs
for each row when (
    new.needs is null or current_setting('search_path') <> 'pg_catalog, pg_temp' or not has_schema_privilege('queue', 'create')
)
execute function queue.tg_fill_job();
