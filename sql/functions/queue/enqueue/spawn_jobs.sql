create or replace function queue.spawn_jobs(p_job_id uuid, p_token integer, p_specs jsonb)
returns table (place integer, job_id uuid, is_new boolean)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_like jsonb;
    v_no text[] := queue.specs_refusal(p_specs);
    v_specs jsonb;
    v_known uuid[];
    v_all uuid[];
    v_made boolean[];
    v_new uuid[];
    v_open uuid[];
begin
    if v_no is null then
        select jsonb_strip_nulls(jsonb_build_object(
            'tenant_id', j.tenant_id, 'user_id', j.user_id, 'video_id', j.video_id, 'channel_id', j.channel_id,
            'pipeline_run', j.pipeline_run, 'pipeline_step', j.pipeline_step
        )) into v_like
        from queue.processing_jobs as j where j.id = p_job_id and j.status = 'running' and j.token = p_token;
        v_specs := (select jsonb_agg(v_like || s.spec order by s.n) from jsonb_array_elements(p_specs) with ordinality as s (spec, n));
    end if;
    loop
        begin
            -- Those that are there before the job's own row, or after it, as their ids have it. What a spec takes over never changes while the job runs.
            v_known := queue.lock_known_jobs(p_job_id, coalesce(v_specs, '[]'));
            perform queue.lock_running_job(p_job_id, p_token);
            if v_no is not null then
                raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
            end if;
            select coalesce(array_agg(e.job_id order by e.place), '{}'), array_agg(e.is_new order by e.place) into v_all, v_made
            from queue.enqueue_jobs(coalesce(v_specs, '[]')) as e;
            -- Jobs of an earlier attempt are found by their idempotency keys, and may be over already. One whose key was committed only now is not
            -- locked yet, and may have a lower id than one that is: then give up all, which rolling back the inner block does, and begin anew.
            exit when not exists (select from unnest(v_all, v_made) as e (id, is_new) where not e.is_new and e.id <> all(v_known));  -- mutant: a fan-out keeps what it has locked
            raise exception 'more' using errcode = 'P0999', hint = 'Never leaves this function.';
        exception when sqlstate 'P0999' then
            null;
        end;
    end loop;

    with noted as (
        insert into queue.spawned (parent_id, job_id) select distinct p_job_id, s from unnest(v_all) as s where s <> p_job_id
        on conflict do nothing returning spawned.job_id
    )
    select coalesce(array_agg(n.job_id), '{}') into v_new from noted as n;
    if exists (select from queue.job_dependencies as d where d.parent_id = p_job_id and not d.satisfied)
        and exists (select from queue.job_dependencies as d where d.job_id = any(v_new) and not d.satisfied) then
        -- Two fan-outs at the same time could close a circle that neither sees. The next statement sees what was committed before.
        lock table queue.spawned in share update exclusive mode;  -- mutant: two fan-outs close a circle
        perform queue.check_spawn_acyclic(p_job_id, v_new);
    end if;

    -- We hold the lock on the job, so nobody can release those that wait for it, or add to them. One that is over may be archived or
    -- deleted at this moment, with its edge: wait for that, so that it gets no new one.
    -- Counters before edges, as whoever deletes one of them.
    perform from queue.blocked as b
    where b.job_id = any(array(select d.job_id from queue.job_dependencies as d where d.parent_id = p_job_id and not d.satisfied))
    order by b.job_id for update;  -- mutant: a fan-out locks edges before counters
    perform from queue.job_dependencies as d where d.parent_id = p_job_id and not d.satisfied order by d.job_id for share;  -- mutant: a part gets an edge to an archived job
    with added as (
        insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied)
        select n.id, d.job_id, d.on_failure,
            n.status = 'completed' or (n.status in ('failed', 'cancelled') and d.on_failure = 'run')
        from queue.job_dependencies as d
        cross join queue.processing_jobs as n
        where d.parent_id = p_job_id and not d.satisfied and n.id = any(v_new) and d.job_id <> all(v_new)  -- mutant: those who wait do not wait for a fan-out
        on conflict do nothing
        returning job_dependencies.job_id, job_dependencies.satisfied
    ),
    counted as (
        select a.job_id, count(*) filter (where not a.satisfied)::integer as n from added as a group by a.job_id
    )
    update queue.blocked as b set pending = b.pending + c.n
    from counted as c
    where b.job_id = c.job_id;

    v_open := array(select n.id from queue.processing_jobs as n where n.id = any(v_new) and n.status in ('failed', 'cancelled') order by n.id);
    if v_open <> '{}' then
        perform queue.settle_children_of_failed(v_open);
    end if;
    return query
    select w.n::integer, w.id, w.made from unnest(v_all, v_made) with ordinality as w (id, made, n) order by w.n;  -- mutant: a job of before is a new one for a fan-out
end;
$$;

comment on function queue.spawn_jobs(uuid, integer, jsonb) is $$
A running job fans out: enqueue these jobs, and let whoever waits for it, now or later, wait for them too. They may begin at
once. Returns as queue.enqueue_jobs does; is_new is false for one that was there before, as one that an earlier attempt has made: give each an idempotency_key.

Arguments
  p_token  the fencing token that the claim returned
  p_specs  as of queue.enqueue_jobs; tenant, user, video, channel and pipeline are the job's own where a spec names none

Raises
  RQ001  lease lost
  RQ006  one of them would wait for a job that waits for this one
  and what queue.enqueue_jobs raises: RQ003, RQ004, RQ005, RQ008, RQ012
$$;
