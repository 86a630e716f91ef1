create or replace function queue.enqueue_pipeline(
    name text,
    video_id uuid,
    options jsonb default '{}',
    run text default ''
)
returns table (step text, job_id uuid, is_new boolean)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run uuid := base.uuid_v7();
    v_next uuid := v_run;  -- a run is named by the job that it begins with
    v_key text := format('pipeline:%s:%s:%s:', name, video_id, run);
    v_tenant uuid;
    v_step record;
    v_ids jsonb := jsonb_build_object();
    v_id uuid;
    v_data jsonb;
    v_none text;
    v_no text[] := base.isolation_refusal();
begin
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    perform identity.check_may_write();
    perform from queue.pipelines as p where p.name = enqueue_pipeline.name;
    if not found then
        raise exception 'no pipeline %', coalesce(quote_literal(name), 'null')
            using errcode = 'RQ004', hint = 'Known: ' || coalesce((select string_agg(p.name, ', ' order by p.name) from queue.pipelines as p), 'none');
    end if;
    if jsonb_typeof(options) is distinct from 'object' then
        raise exception 'options must be a JSON object, not %', coalesce(jsonb_typeof(options), 'null') using errcode = 'RQ008', hint = '{"ladder": {"crf": 21}}';
    end if;
    -- The tenant before its video, in the order in which a tenant is deleted.
    perform from identity.tenants as t
    where t.id = (select v.tenant_id from media.videos as v where v.id = enqueue_pipeline.video_id and v.deleted_at is null and identity.may_change(v.tenant_id, v.user_id))
    for key share;  -- mutant: a pipeline locks the video before the tenant
    select v.tenant_id into v_tenant from media.videos as v
    where v.id = enqueue_pipeline.video_id and v.deleted_at is null and identity.may_change(v.tenant_id, v.user_id) for key share;
    if not found then
        raise exception 'no video %', coalesce(video_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;
    v_none := queue.check_pipeline_options(name, options);  -- no perform, which is a line of CONTEXT more in psql
    v_no := queue.tenant_refusal(v_tenant);
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    for v_step in select s.* from queue.pipeline_order(name) as o inner join queue.pipeline_steps as s on s.pipeline = name and s.step = o.step order by o.place loop
        loop
            v_id := queue.find_by_idempotency_key(v_tenant, v_key || v_step.step);
            is_new := v_id is null;
            exit when not is_new;
            v_data := v_step.job_data || coalesce(options -> v_step.step, '{}');
            v_no := queue.job_data_refusal(v_data);
            if v_no is not null then
                raise exception 'step %: %', quote_literal(v_step.step), v_no[2] using errcode = v_no[1], hint = v_no[3];
            end if;
            -- Of two sessions that enqueue a run the second waits here, at its first step, for the first one's end: then either all of
            -- its steps are new or all are known. Nobody but the tenant itself can hold that key.
            insert into queue.processing_jobs (
                id, job_type, video_id, priority, job_data, depends_on, on_parent_failure, idempotency_key, pipeline_run, pipeline_step
            )
            values (
                v_next, v_step.job_type, enqueue_pipeline.video_id, v_step.priority,
                v_data,
                (select array_agg((v_ids ->> a)::uuid) from unnest(v_step.after) as a),
                v_step.on_parent_failure, v_key || v_step.step, v_run, v_step.step
            )
            on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing
            returning id into v_id;
            if found then
                v_next := base.uuid_v7();
                exit;
            end if;
        end loop;
        v_ids := v_ids || jsonb_build_object(v_step.step, v_id);
        step := v_step.step;
        job_id := v_id;
        return next;
    end loop;
end;
$$;

comment on function queue.enqueue_pipeline(text, uuid, jsonb, text) is $$
Enqueue the jobs of a pipeline for a video, with their edges. A second call for the same video and run returns
the first one's jobs.

Arguments
  options  {"<step>": {…}} is laid over the job_data of that step
  run      a word that sets this run apart from earlier ones of the same video

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such pipeline or video
  RQ008  options are no object, name no step, hold no object for one, or hold what its type does not take
  RQ012  the tenant is not active
  RQ016  the user is a viewer, or the key has no scope write
$$;
