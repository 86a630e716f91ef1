create or replace function queue.enqueue_jobs(p_specs jsonb)
returns table (place integer, job_id uuid, is_new boolean)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- Room to keep ten thousand new rows, which the trigger reads again, in memory.
set work_mem = '32MB'
as $$
#variable_conflict use_column
declare
    v_plain boolean;
    v_ids uuid[];
    v_known uuid[] := '{}';
    v_refs jsonb;
    v_no text[];
    v_hint text;
    v_now timestamptz := base.clock();
    v_tenant uuid := case when current_setting('reelq.tenant_id', true) <> '' then base.current_tenant() end;
    v_is_user boolean := coalesce(current_setting('reelq.user_id', true), '') <> '';
begin
    if current_setting('reelq.api_key_id', true) <> '' then
        perform identity.check_scope('write');
    end if;
    if jsonb_typeof(p_specs) = 'array' then
        -- Most calls use none of the keys that need a check beforehand (ref, depends_on, limits, idempotency_key): find out with one query.
        v_plain := not exists (
            select from jsonb_array_elements(p_specs) as s
            where
                case when jsonb_typeof(s) = 'object' then s - array[
                    'job_type', 'video_id', 'asset_id', 'tenant_id', 'user_id', 'job_data', 'priority', 'scheduled_for',
                    'on_parent_failure', 'max_attempts', 'channel_id', 'pipeline_run', 'pipeline_step'
                ] end is distinct from '{}'
        );
    end if;
    if v_plain is not true then
        v_no := queue.specs_refusal(p_specs);
        if v_no is not null then
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end if;
    end if;
    loop
        begin
            -- Ids ascend with the places, so that jobs sort in the order given.
            v_ids := base.uuids_v7(jsonb_array_length(p_specs));
            if v_plain is not true then
                v_known := queue.find_by_idempotency_keys(p_specs);
                v_ids := array(
                    select coalesce(w.known, w.id) from unnest(v_ids, v_known) with ordinality as w (id, known, n) order by w.n
                );
                v_refs := (
                    select jsonb_object_agg(s.spec ->> 'ref', v_ids[s.n])
                    from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
                    where s.spec ->> 'ref' is not null
                );
            end if;
            insert into queue.processing_jobs (
                id, job_type, video_id, asset_id, tenant_id, user_id, job_data, priority, scheduled_for, depends_on,
                on_parent_failure, idempotency_key, max_attempts, limits, channel_id, pipeline_run, pipeline_step,
                max_crashes, weight, needs, created_at, updated_at, status_changed_at
            )
            select
                s.id, s.job_type, s.video_id::uuid, s.asset_id::uuid,
                case when s.tenant_id is null and s.video_id is null and s.asset_id is null then v_tenant else s.tenant_id::uuid end,
                s.user_id::uuid,
                -- jsonb_to_recordset makes a JSON null into SQL's null; take it from the spec again, so that it is refused as no object.
                coalesce(s.job_data, p_specs -> (s.n - 1)::integer -> 'job_data', '{}'),
                coalesce(s.priority::smallint, t.priority), coalesce(s.scheduled_for::timestamptz, v_now),
                case when s.depends_on is not null then (
                    select array_agg(queue.resolve_ref(d, v_refs)) from jsonb_array_elements_text(s.depends_on) as d
                ) end,
                coalesce(s.on_parent_failure, 'fail'), s.idempotency_key,
                coalesce(s.max_attempts::integer, t.max_attempts),
                case when s.limits is null then t.limits else t.limits || array(select jsonb_array_elements_text(s.limits)) end,
                s.channel_id::uuid, s.pipeline_run::uuid, s.pipeline_step,
                t.max_crashes, t.weight,
                -- A row with `needs` is one that queue.tg_fill_job need not fill or check.
                case
                    when not v_is_user and not t.is_internal and s.video_id is null and s.asset_id is null and s.user_id is null and s.depends_on is null and s.limits is null
                        and s.idempotency_key is null and s.pipeline_step is null and s.max_attempts is null and t.limits = '{}'
                        and coalesce(s.on_parent_failure, 'fail') = 'fail' and coalesce(s.priority::smallint, 5) between 1 and 10
                        and coalesce(s.scheduled_for::timestamptz, v_now) between '1900-01-01 00:00Z' and '9999-01-01 00:00Z'
                        and (
                            (s.job_data is null and p_specs -> (s.n - 1)::integer -> 'job_data' is null)
                            or (
                                jsonb_typeof(s.job_data) = 'object' and octet_length(s.json) <= 300
                                and 2 * octet_length(s.json) - octet_length(replace(s.json, '[', '')) - octet_length(replace(s.json, '{', '')) <= 64
                            )
                        )
                    then t.needs  -- mutant: what a bulk call writes is not checked
                end,
                v_now, v_now, v_now
            from (select r.*, r.job_data::text as json from rows from (
                -- Read as text, so that the values of a spec whose job exists already are not checked.
                jsonb_to_recordset(p_specs) as (
                    job_type text, video_id text, asset_id text, tenant_id text, user_id text, job_data jsonb, priority text,
                    scheduled_for text, depends_on jsonb, on_parent_failure text, idempotency_key text, max_attempts text,
                    limits jsonb, channel_id text, pipeline_run text, pipeline_step text
                ),
                unnest(v_ids),
                unnest(v_known)
            ) with ordinality as r (
                job_type, video_id, asset_id, tenant_id, user_id, job_data, priority,
                scheduled_for, depends_on, on_parent_failure, idempotency_key, max_attempts,
                limits, channel_id, pipeline_run, pipeline_step, id, known, n
            ) offset 0) as s  -- the text of the job's data is made once
            -- `offset 0` makes the planner read the types once; by their index each would be looked up once a job.
            left join (select * from queue.job_types offset 0) as t on t.job_type = s.job_type
            where s.known is null
            -- A key is locked as its row is inserted: in one order, so that two calls with the same keys do not deadlock. The jobs are served
            -- in the order of their ids all the same.
            order by
                case when v_plain then s.n end,  -- without keys nothing else is compared
                s.idempotency_key collate "C",  -- mutant: keys are locked as they come
                case when s.idempotency_key is not null then queue.resolve_tenant(s.tenant_id::uuid, s.video_id::uuid, s.asset_id::uuid) end,
                s.n;
            exit;
        exception when unique_violation then
            -- Another session committed one of the keys after the check above: check again.
            null;
        when data_exception or integrity_constraint_violation or sqlstate 'RQ002' or sqlstate 'RQ003' or sqlstate 'RQ004' or sqlstate 'RQ005'
            or sqlstate 'RQ006' or sqlstate 'RQ008' or sqlstate 'RQ012' or sqlstate 'RQ016' then
            get stacked diagnostics v_hint = pg_exception_hint;
            v_no := queue.refused_spec(p_specs, v_ids, v_known, array[sqlstate, sqlerrm, v_hint]);
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end;
    end loop;
    return query
    select w.n::integer, w.id, w.known is null
    from unnest(v_ids, v_known) with ordinality as w (id, known, n)
    order by w.n;
end;
$$;

comment on function queue.enqueue_jobs(jsonb) is $$
Enqueue many jobs in one statement; returns a row each, in order: its place (1 is the first), its id, and whether it is new or an
earlier one with the same idempotency key.

Arguments
  p_specs  [{"job_type": …, "ref": …, "depends_on": [ref or id, …], …}]: objects with the arguments of queue.enqueue_job. A
           `ref` is a word that names the spec within this call, for the depends_on of others, before or after it.
           Without tenant, video and asset a job belongs to the tenant that reelq.tenant_id names.

Raises
  RQ002 isolation, RQ003 job type, RQ004 video or tenant, RQ005 unknown parent, RQ006 a circle, RQ008 nonsense, RQ012 tenant, RQ016 a viewer, or a key without write
$$;
