create or replace function queue.enqueue_jobs(p_specs jsonb)
returns table (place integer, job_id uuid, is_new boolean)
language plpgsql
volatile
security definer
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
declare
    v_ids uuid[];
    v_known uuid[];
    v_refs jsonb;
    v_now timestamptz := base.clock();
begin
    perform queue.check_specs(p_specs);
    loop
        begin
            v_known := queue.known_specs(p_specs);
            -- Ids in order of the places, so that jobs sort as they were given.
            v_ids := array(
                select coalesce(w.known, w.id)
                from rows from (
                    unnest(array(select i.id from (select base.uuid_v7() as id from jsonb_array_elements(p_specs)) as i order by i.id)),
                    unnest(v_known)
                ) with ordinality as w (id, known, n)
                order by w.n
            );
            v_refs := (
                select jsonb_object_agg(s.spec ->> 'ref', v_ids[s.n])
                from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
                where s.spec ->> 'ref' is not null
            );
            insert into queue.processing_jobs (
                id, job_type, video_id, asset_id, tenant_id, user_id, job_data, priority, scheduled_for, depends_on,
                on_parent_failure, idempotency_key, max_attempts, limits, channel_id, pipeline_run, pipeline_step,
                max_crashes, weight, needs, created_at, updated_at, status_changed_at
            )
            select
                v_ids[s.n], s.spec ->> 'job_type', (s.spec ->> 'video_id')::uuid, (s.spec ->> 'asset_id')::uuid,
                (s.spec ->> 'tenant_id')::uuid, (s.spec ->> 'user_id')::uuid, coalesce(s.spec -> 'job_data', '{}'),
                coalesce((s.spec ->> 'priority')::smallint, t.priority),
                coalesce((s.spec ->> 'scheduled_for')::timestamptz, v_now),
                (
                    select array_agg(queue.resolve_ref(d, v_refs))
                    from jsonb_array_elements_text(nullif(s.spec -> 'depends_on', 'null')) as d
                ),
                coalesce(s.spec ->> 'on_parent_failure', 'fail'), s.spec ->> 'idempotency_key',
                coalesce((s.spec ->> 'max_attempts')::integer, t.max_attempts),
                t.limits || array(select jsonb_array_elements_text(nullif(s.spec -> 'limits', 'null'))), (s.spec ->> 'channel_id')::uuid,
                (s.spec ->> 'pipeline_run')::uuid, s.spec ->> 'pipeline_step',
                t.max_crashes, t.weight, t.needs, v_now, v_now, v_now
            from rows from (jsonb_array_elements(p_specs), unnest(v_known)) with ordinality as s (spec, known, n)
            left join queue.job_types as t on t.job_type = s.spec ->> 'job_type'
            where s.known is null;
            exit;
        exception when unique_violation then
            -- Somebody committed one of the keys between the look and the insert: look again.
            null;
        when data_exception then
            raise exception 'a spec holds a value of the wrong type: %', sqlerrm
                using errcode = 'RQ008', hint = 'Ids are uuids, times as ISO 8601 writes them, priority a number from 1 to 10.';
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

Raises
  RQ002 isolation, RQ003 job type, RQ004 video or tenant, RQ005 unknown parent, RQ006 a circle, RQ008 nonsense, RQ012 tenant
$$;
