create or replace function queue.tg_guard_job()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.status <> old.status then
        if not (  -- mutant: the guard lets all pass
            (old.status = 'queued' and new.status in ('running', 'cancelled'))
            or (old.status = 'queued' and new.status = 'failed' and new.error_code is not distinct from 'parent_failed')
            or (old.status = 'running' and new.status in ('queued', 'completed', 'failed', 'cancelled'))
            or (old.status in ('failed', 'cancelled') and new.status = 'queued')
        ) then
            raise exception 'status of job % must not go from % to %', old.id, old.status, new.status
                using errcode = 'RQ007', hint = 'sql/README.md draws the states.';
        end if;
        -- Take the time that the writer has set with the status, if it has: reading the clock for each row of a batch costs too much.
        new.status_changed_at := case
            when new.status = 'running' and new.started_at is distinct from old.started_at then new.started_at
            when new.completed_at is distinct from old.completed_at and new.completed_at is not null then new.completed_at
            else base.clock()
        end;
    end if;
    if (new.status = 'running' and old.status = 'queued' and new.token <> old.token + 1)
        or (new.status = old.status and new.token <> old.token) or new.token < old.token then
        raise exception 'token of job % must grow by 1 with every claim and only then, not go from % to %', old.id, old.token, new.token
            using errcode = 'RQ007', hint = 'Claim with queue.claim_jobs.';
    end if;
    new.updated_at := coalesce(greatest(new.status_changed_at, old.updated_at), base.clock());
    return new;
end;
$$;

comment on function queue.tg_guard_job() is $$
Trigger before update on queue.processing_jobs: the state machine, whoever writes.

Raises
  RQ007  a transition that does not exist, or a token that does not fit
$$;

-- Does not fire for the two steps of every job, as queue.start_jobs and queue.complete_batch write them: the condition itself checks
-- those. It is short because Postgres parses it again for each statement.
create or replace trigger guard_job
before update on queue.processing_jobs
for each row
when (not (
    new.status_changed_at > old.status_changed_at and new.updated_at = new.status_changed_at
    and (
        (old.status = 'queued' and new.status = 'running' and new.token = old.token + 1)
        or (old.status = 'running' and new.status = 'completed' and new.token = old.token)
    )
))
execute function queue.tg_guard_job();
