create or replace function queue.lock_known_jobs(p_job_id uuid, p_specs jsonb)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_form constant text := '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$';
    v_tenant constant uuid := queue.visible_tenant();
    v_videos uuid[];
    v_assets uuid[];
    v_known uuid[];
begin
    -- What makes no sense is left out here: queue.enqueue_jobs says what is wrong, and in which spec.
    v_videos := array(select distinct (s ->> 'video_id')::uuid from jsonb_array_elements(p_specs) as s where s ->> 'video_id' ~* v_form);
    v_assets := array(select distinct (s ->> 'asset_id')::uuid from jsonb_array_elements(p_specs) as s where s ->> 'asset_id' ~* v_form);
    begin
        v_known := array_remove(queue.find_by_idempotency_keys(p_specs), null);
    exception when data_exception or sqlstate 'RQ004' or sqlstate 'RQ008' then
        v_known := '{}';
    end;
    v_known := v_known || array(
        -- Whoever waits for a job waits for its parts too (queue.link_parents).
        with recursive parents (id) as (
            select d::uuid
            from jsonb_array_elements(p_specs) as s
            cross join lateral jsonb_array_elements_text(case when jsonb_typeof(s -> 'depends_on') = 'array' then s -> 'depends_on' end) as d
            where d ~* v_form
            union
            select part.job_id
            from parents as up
            cross join lateral (select s.job_id from queue.spawned as s where s.parent_id = up.id offset 0) as part
        )
        select parents.id from parents
    );
    perform from identity.tenants as t
    where t.id = any(array(
        select j.tenant_id from queue.processing_jobs as j where j.id = p_job_id
        union
        select (s ->> 'tenant_id')::uuid from jsonb_array_elements(p_specs) as s where s ->> 'tenant_id' ~* v_form
        union
        select v.tenant_id from media.videos as v where v.id = any(v_videos)
        union
        select a.tenant_id from media.assets as a where a.id = any(v_assets)
    ))
    order by t.id for key share;  -- mutant: a fan-out locks the job before the tenant
    perform queue.lock_video_of(p_job_id);
    perform from media.videos as v where v.id = any(v_videos) and (v_tenant is null or v.tenant_id = v_tenant) order by v.id for key share;  -- mutant: a fan-out locks jobs before other videos
    perform from media.assets as a where a.id = any(v_assets) and (v_tenant is null or a.tenant_id = v_tenant) order by a.id for key share;
    -- Never wait for another tenant's job, where the caller acts for one: it is answered like one that is not there.
    perform
        (select true from queue.processing_jobs as own where own.id = w.id and w.id = p_job_id for no key update),
        (select true from queue.processing_jobs as known where known.id = w.id and w.id <> p_job_id and (v_tenant is null or known.tenant_id = v_tenant) for share)
    from (select k as id from unnest(v_known || p_job_id) as k group by k order by k offset 0) as w;  -- mutant: a fan-out locks its own job first
    return v_known;
end;
$$;

comment on function queue.lock_known_jobs(uuid, jsonb) is $$
Lock a job that fans out, and the jobs that are there already and that the specs are about: those that have their idempotency keys, their parents,
and what these have fanned out into (shared). First the tenants and the videos of all, then the jobs in the order of their ids, as every bulk change does.
Returns the jobs that were known. See docs/design/locks.md.

Arguments
  p_specs  as of queue.enqueue_jobs, with what they take over from the job; where the keys of these are refused (RQ004, RQ008), only parents are known
$$;
