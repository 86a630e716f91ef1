create or replace function queue.rescue_expired(p_limit integer default 100)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_upkeep queue.upkeep;
    v_lease record;
    v_held queue.leases;
    v_job queue.processing_jobs;
    v_video uuid;
    v_alive text[];
    v_lost text[];
    v_rescued integer := 0;
begin
    perform base.check_read_committed();
    if row_security_active('queue.processing_jobs') then
        perform queue.check_sees_jobs();
    end if;
    if p_limit < 1 or p_limit is null then
        raise exception 'limit must be 1 or more, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The default is 100.';
    end if;
    select * into v_upkeep from queue.upkeep as u where u.task = 'rescue' for no key update skip locked;
    if not found then
        return 0;
    end if;
    update queue.upkeep as u set last_run_at = v_now where u.task = 'rescue';

    -- If nobody looked for longer than the grace, the database or all workers were away, and healthy workers could not send
    -- heartbeats. Extend the leases of workers that were alive at the last look, once, so that they can report.
    if v_now - v_upkeep.last_run_at > v_upkeep.grace then  -- mutant: no grace after an outage
        update queue.leases as l
        set expires_at = v_now + l.lease
        where l.job_id = any(array(
            select held.job_id from queue.leases as held
            where held.expires_at >= v_upkeep.last_run_at and held.expires_at < v_now + held.lease  -- mutant: an outage keeps the jobs of the dead
                and held.beat_at > v_upkeep.last_run_at - held.lease
            for update skip locked
        ));
    end if;

    v_lost := array(
        select gone.worker_id from queue.workers as gone
        where gone.status in ('active', 'draining') and gone.last_beat_at not between v_now - interval '1 minute' and v_now + interval '1 minute'
        for no key update skip locked
    );
    update queue.workers as w set status = 'lost' where w.worker_id = any(v_lost);
    if v_lost <> '{}' then
        perform queue.tell_lost_workers(v_lost);
    end if;
    delete from queue.listening_workers as s
    where s.worker_id = any(array(
        select deaf.worker_id from queue.listening_workers as deaf
        where not exists (select from queue.workers as w where w.worker_id = deaf.worker_id and w.status in ('active', 'draining'))
        for update skip locked
    ));

    v_alive := array(select w.worker_id from queue.workers as w where w.status in ('active', 'draining'));
    for v_lease in
        select l.job_id, l.token, l.expires_at from queue.leases as l
        where
            l.expires_at < v_now
            -- A clock that was ahead wrote it, and nobody is there to write another.
            or (l.expires_at > v_now + 2 * l.lease and l.worker_id <> all(v_alive))  -- mutant: a lease of a clock that was ahead lasts
        order by l.expires_at
    loop
        exit when v_rescued >= p_limit;
        -- The video and its asset, which fail with it, first; a claim waits for nobody.
        select j.video_id into v_video from queue.processing_jobs as j where j.id = v_lease.job_id and j.pipeline_run is not null;
        if v_video is not null then
            perform from media.videos as v where v.id = v_video for no key update skip locked;
            continue when not found;
            perform from media.assets as a
            where a.id = (select v.asset_id from media.videos as v where v.id = v_video) for no key update skip locked;  -- mutant: a rescue waits for an asset
            continue when not found and exists (select from media.videos as v where v.id = v_video and v.asset_id is not null);
        end if;
        select * into v_job from queue.processing_jobs as j
        where j.id = v_lease.job_id and j.status = 'running' and j.token = v_lease.token
        for no key update skip locked;
        continue when not found;
        -- Look at the lease again under its lock: a heartbeat may have written it meanwhile.
        select * into v_held from queue.leases as l
        where l.job_id = v_lease.job_id and l.token = v_lease.token and l.expires_at = v_lease.expires_at for update skip locked;  -- mutant: a rescue does not look again
        continue when not found;
        -- It ran out although its worker beats: that session which held the lease until now kept the heartbeats from it, or the worker
        -- has given it up. Once, until the next beat, leave it to the worker. A second time expires_at tells that there was a first.
        if v_held.expires_at between v_held.beat_at and v_held.beat_at + v_held.lease and exists (
            select from queue.workers as w
            where
                w.worker_id = v_held.worker_id and w.status in ('active', 'draining')
                and w.last_beat_at > v_held.expires_at and w.last_beat_at > v_now - interval '30 seconds'  -- mutant: a lock on the lease loses the job
        ) then
            update queue.leases as l
            set expires_at = v_now + least(v_held.lease, '10 seconds')
            where l.job_id = v_held.job_id;
            continue;
        end if;
        -- What cannot be settled keeps neither the others nor the claim that calls this: its lease stays, and queue.health tells of it.
        begin
            perform queue.settle_failure(
                v_job, 'worker_lost', 'worker_lost', 'The worker that ran this vanished.', '{}', true  -- mutant: a rescue waits for the children
            );
            v_rescued := v_rescued + 1;
        exception
            when others then  -- mutant: one that cannot be taken back stops all
                raise warning 'job % could not be taken back from a worker that is gone: %', v_job.id, sqlerrm;
        end;
    end loop;
    if v_rescued > 0 and exists (select from queue.cascades) then
        perform queue.continue_cascades();
    end if;
    return v_rescued;
end;
$$;

comment on function queue.rescue_expired(integer) is $$
Take back up to p_limit jobs whose lease has expired; the retry policy for worker_lost says what becomes of
them. One caller at a time, the others return 0. After a gap longer than queue.upkeep.grace the leases of
workers that were alive at the last look are first extended once, so that an outage of the database does not kill a healthy fleet's work. A
lease that ran out while its worker went on beating, as when a session held its row, gets 10 seconds more, once. Also notes
workers that have not been heard of for a minute. Returns how many jobs were taken back.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit below 1
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
