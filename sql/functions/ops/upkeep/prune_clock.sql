create or replace function ops.prune_clock(p_limit integer default 1000)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_removed integer;
begin
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'How many rows one call removes.';
    end if;
    if to_regclass('reelq_periodic.procrastinate_jobs') is null then
        return 0;
    end if;
    -- Its jobs are calls of one command, and what they do is kept in ops.upkeep_tasks: what is over is of no use, nor is what waited for an hour. What a
    -- worker that is gone was doing no worker takes up again.
    execute $q$
        delete from reelq_periodic.procrastinate_jobs as j
        where j.id = any(array(
            select o.id from reelq_periodic.procrastinate_jobs as o
            where
                o.status not in ('todo', 'doing')
                or (o.status = 'doing' and not exists (
                    select from reelq_periodic.procrastinate_workers as w where w.id = o.worker_id and w.last_heartbeat > clock_timestamp() - interval '5 minutes'
                ))
                or (o.status = 'todo' and not exists (
                    select from reelq_periodic.procrastinate_events as e where e.job_id = o.id and e.at > clock_timestamp() - interval '1 hour'
                ))
            order by o.id limit $1 for update skip locked
        ))
    $q$ using p_limit;
    get diagnostics v_removed = row_count;
    return v_removed;
end;
$$;

comment on function ops.prune_clock(integer) is $$
Remove rows that procrastinate, the clock of reelq periodic run, has left: jobs that are over, that waited for an hour, or that a worker was doing which is gone. Returns how
many: call it until it returns less than p_limit. The owner's alone.

Arguments
  p_limit  so many at most, 1 to 10000

Raises
  RQ008  a limit that cannot be
$$;
