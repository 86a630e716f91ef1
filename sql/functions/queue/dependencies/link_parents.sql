create or replace function queue.link_parents(p_job_ids uuid[])
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_parents uuid[];
    v_unknown uuid;
    v_waiting uuid[];
    v_over uuid[];
    v_tenant uuid := queue.visible_tenant();
    v_only uuid := identity.limited_to();
    v_more uuid[];
    v_known uuid[] := '{}';
begin
    v_parents := array(
        select distinct p
        from queue.processing_jobs as j
        cross join lateral unnest(j.depends_on) as p
        where j.id = any(p_job_ids)
        order by p
    );

    -- The share lock waits for a parent that is completing. The statements below have newer snapshots and see what it
    -- decided. If we come first, it sees our edge when it releases its children, as that is a later statement of its
    -- transaction.
    -- Wait also for the jobs that a parent has spawned, which the lock keeps from spawning more meanwhile. They are found before any is locked, so
    -- that all are locked in the order of ids; again until no more are found.
    loop
        v_more := array(
            with recursive spawned (id) as (
                select p from unnest(v_parents) as p
                union
                select s.job_id from spawned as up inner join queue.spawned as s on s.parent_id = up.id  -- mutant: parts are locked after those that wait for them
            )
            select s.id from spawned as s
            except
            select j from unnest(p_job_ids) as j
        );
        exit when v_more <@ v_known;  -- mutant: spawned parts are not locked
        v_known := v_known || v_more;
        -- Never wait for another tenant's job: it is answered like one that is not there.
        perform from queue.processing_jobs as j
        where j.id = any(v_known) and (v_tenant is null or j.tenant_id = v_tenant) and (v_only is null or j.user_id = v_only) order by j.id for share;  -- mutant: share lock on parents removed
    end loop;

    select p into v_unknown from unnest(v_parents) as p
    -- Look parents up one by one, here and below: with old statistics a join may read the whole table.
    where coalesce(
        (select true from queue.processing_jobs as j where j.id = p and (v_tenant is null or j.tenant_id = v_tenant) and (v_only is null or j.user_id = v_only)),
        (select true from queue.job_history as h where h.id = p and (v_tenant is null or h.tenant_id = v_tenant) and (v_only is null or h.user_id = v_only) limit 1)  -- mutant: another's archived parent is waited for
    ) is null
    limit 1;
    if found then
        -- Whose account was suspended since this began sees not even what they have just enqueued.
        perform identity.check_may_write();  -- mutant: who was suspended meanwhile is told of a parent
        raise exception 'no job % to wait for', v_unknown
            using errcode = 'RQ005', hint = 'Enqueue the parent first, or in the same statement.';
    end if;

    with recursive wanted (job_id, on_failure, parent_id) as (
        select j.id, j.on_parent_failure, p
        from queue.processing_jobs as j
        cross join lateral unnest(j.depends_on) as p
        where j.id = any(p_job_ids)
        union
        select w.job_id, w.on_failure, s.job_id
        from wanted as w
        inner join queue.spawned as s on s.parent_id = w.parent_id and s.job_id <> all(p_job_ids)
    )
    insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied)
    select w.parent_id, w.job_id, w.on_failure,
        parent.status = 'completed' or (parent.status in ('failed', 'cancelled') and w.on_failure = 'run')
    from wanted as w
    cross join lateral (
        select j.status from queue.processing_jobs as j where j.id = w.parent_id
        union all
        select h.status from queue.job_history as h where h.id = w.parent_id
        limit 1
    ) as parent;

    if v_parents && p_job_ids then
        perform queue.check_acyclic(p_job_ids);
    end if;

    with waiting as (
        insert into queue.blocked (job_id, pending, job_type)
        select d.job_id, count(*), (select j.job_type from queue.processing_jobs as j where j.id = d.job_id)
        from queue.job_dependencies as d
        where d.job_id = any(p_job_ids) and not d.satisfied
        group by d.job_id
        returning blocked.job_id
    )
    select array_agg(w.job_id) into v_waiting from waiting as w;

    v_over := array(
        select distinct d.job_id
        from queue.job_dependencies as d
        where
            d.job_id = any(v_waiting) and not d.satisfied
            and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = d.parent_id), 'gone')
            not in ('queued', 'running')
    );
    if v_over <> '{}' and cardinality(v_over) > cardinality(queue.lock_unheld(v_over)) then  -- mutant: who enqueues below a failure waits for the video
        -- A step fails its video, and who holds that may wait for a parent that is locked here: leave all to a claim. One that is at the same parent
        -- at this moment may have looked before these came; hence the update, which waits for it.
        insert into queue.cascades (job_id)
        select distinct d.parent_id
        from queue.job_dependencies as d
        where
            d.job_id = any(v_over) and not d.satisfied
            and coalesce((select parent.status from queue.processing_jobs as parent where parent.id = d.parent_id), 'gone')
            not in ('queued', 'running')
        order by 1
        on conflict (job_id) do update set place = '00000000-0000-0000-0000-000000000000';
    elsif v_over <> '{}' then  -- mutant: a child of something over waits for ever
        perform queue.settle_children_of_failed(queue.fail_blocked(v_over));
        -- An edge keeps a job in the table until its parent goes to the history. One that is there already keeps it for ever.
        delete from queue.job_dependencies as d
        where
            d.job_id = any(v_over) and not d.satisfied
            and (select true from queue.processing_jobs as parent where parent.id = d.parent_id) is null;  -- mutant: an edge leads to a job that is archived
    end if;
    return v_waiting;
end;
$$;

comment on function queue.link_parents(uuid[]) is $$
Make the edges of new jobs (their depends_on, and what those have fanned out into), and block those with unfinished parents. A parent
that has failed already decides at once, as the edge says; of one that is in the history no open edge is kept. Where another session holds the video of a step that falls so, a claim deals with it
(queue.cascades). Returns the jobs that did not become
free: blocked, failed or cancelled; null: none.

Raises
  RQ005  unknown parent
  RQ006  a circle
  RQ016  the user was suspended meanwhile
$$;
