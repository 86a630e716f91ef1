create or replace function queue.set_schedule(
    p_name text,
    p_cron text,
    p_job_type text default null,
    p_pipeline text default null,
    p_video_id uuid default null,
    p_job_data jsonb default '{}',
    p_time_zone text default 'UTC',
    p_missed text default 'once',
    p_priority integer default null,
    p_tenant_id uuid default null
)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_constraint text;
    v_next timestamptz;
    v_no text[];
begin
    perform base.check_read_committed();
    if not exists (select from pg_catalog.pg_timezone_names as z where lower(z.name collate "C") = lower(p_time_zone collate "C")) then
        raise exception 'time zone must be one that the server knows, not %', coalesce(quote_literal(left(p_time_zone, 80)), 'null')
            using errcode = 'RQ008', hint = 'As Europe/Berlin; select name from pg_timezone_names';
    end if;
    if p_missed is null or p_missed not in ('once', 'all', 'skip') then
        raise exception 'missed must be once, all or skip, not %', coalesce(quote_literal(left(p_missed, 80)), 'null')
            using errcode = 'RQ008', hint = 'Of the ticks that came while nobody claimed: one run for all, a run each, or none.';
    end if;
    if p_job_type is not null and not exists (select from queue.job_types as t where t.job_type = p_job_type) then
        raise exception 'no job type %', quote_literal(left(p_job_type, 80))
            using errcode = 'RQ003', hint = 'Known: ' || (select string_agg(t.job_type, ', ' order by t.job_type) from queue.job_types as t);
    end if;
    if p_pipeline is not null and not exists (select from queue.pipelines as p where p.name = p_pipeline) then
        raise exception 'no pipeline %', quote_literal(left(p_pipeline, 80))
            using errcode = 'RQ004', hint = 'Known: ' || coalesce((select string_agg(p.name, ', ' order by p.name) from queue.pipelines as p), 'none');
    end if;
    if p_video_id is not null and not exists (select from media.videos as v where v.id = p_video_id and v.deleted_at is null) then
        raise exception 'no video %', p_video_id using errcode = 'RQ004', hint = 'Look with: reelq videos list, or media.list_videos().';
    end if;
    v_no := case when p_video_id is null then queue.requires_refusal(p_job_type) end;
    if v_no is null and jsonb_typeof(coalesce(p_job_data, '{}')) = 'object' then
        v_no := coalesce(
            queue.job_data_refusal(coalesce(p_job_data, '{}')),  -- mutant: a schedule may bring what no job may
            (select queue.options_refusal(t.job_type, t.options_schema, coalesce(p_job_data, '{}')) from queue.job_types as t where t.job_type = p_job_type)
        );
        perform queue.check_pipeline_options(p_pipeline, coalesce(p_job_data, '{}')) where p_pipeline is not null;
    end if;
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    if p_tenant_id is not null then
        perform identity.check_tenant(p_tenant_id);
    end if;
    v_next := queue.next_tick(p_cron, p_time_zone, base.clock());
    insert into queue.schedules as s (name, cron, time_zone, tenant_id, job_type, pipeline, video_id, job_data, priority, missed, next_run_at)
    values (p_name, p_cron, p_time_zone, p_tenant_id, p_job_type, p_pipeline, p_video_id, coalesce(p_job_data, '{}'), p_priority, p_missed, v_next)
    on conflict (name) do update
    set
        cron = excluded.cron, time_zone = excluded.time_zone, tenant_id = excluded.tenant_id, job_type = excluded.job_type,
        pipeline = excluded.pipeline, video_id = excluded.video_id, job_data = excluded.job_data, priority = excluded.priority,
        missed = excluded.missed, next_run_at = excluded.next_run_at, last_error = null;
    return v_next;
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'schedule %: %', coalesce(quote_literal(left(p_name, 80)), 'null'), coalesce(replace(nullif(v_constraint, ''), '_', ' '), sqlerrm)
            using errcode = 'RQ008', hint = 'A schedule has a name and makes either a job (job_type) or a pipeline run (pipeline and video_id).';
end;
$$;

comment on function
queue.set_schedule(text, text, text, text, uuid, jsonb, text, text, integer, uuid) is $$
Make a schedule, or change the one of that name, which then begins anew. Returns its next tick.
  select queue.set_schedule('nightly', '15 3 * * *', p_job_type => 'no_op', p_time_zone => 'Europe/Berlin');

Arguments
  p_cron      five fields as in a crontab, or @hourly, @daily, …; see queue.next_tick
  p_job_data  arguments of the job, or options of the pipeline
  p_missed    ticks that came while nobody claimed: once (one run for all), all (a run each), skip (none)

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such pipeline, video or tenant
  RQ008  no cron expression, no time zone, no such way with missed ticks, both or neither of job and pipeline, or options that these do not take
$$;
