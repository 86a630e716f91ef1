create or replace function queue.lock_failed_descendants(p_job_ids uuid[])
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
    v_all uuid[];
    v_now uuid[];
begin
    -- Find all first, so that they are locked in the order of ids (docs/design/locks.md). Whoever held one of them until now may have brought
    -- more, which may have lower ids: then give up these locks, which rolling back the inner block does, and lock all anew.
    v_all := queue.find_failed_descendants(array(select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) and j.status in ('failed', 'cancelled')));
    loop
        begin
            perform queue.lock_videos_of(v_all);
            -- The share lock on the other parents waits for one that is being settled at this moment: either its decision is visible below,
            -- or it sees the children come back. One order for both kinds of lock, else two that have each other's parents in hand wait for
            -- each other.
            perform
                (select true from queue.processing_jobs as own where own.id = w.id and w.is_own for no key update),
                (select true from queue.processing_jobs as parent where parent.id = w.id and not w.is_own for share)  -- mutant: a retry does not wait for other parents
            from (
                select j.id, j.is_own
                from (
                    select a as id, true as is_own from unnest(v_all) as a
                    union all
                    (
                        select d.parent_id, false from queue.job_dependencies as d where d.job_id = any(v_all) and not d.satisfied
                        except
                        select a, false from unnest(v_all) as a
                    )
                ) as j
                order by j.id  -- mutant: a retry locks as it goes
                offset 0
            ) as w;
            -- Those that have failed meanwhile are retried too.
            v_now := queue.find_failed_descendants(array(select j.id from queue.processing_jobs as j where j.id = any(p_job_ids) and j.status in ('failed', 'cancelled')));
            if v_now <@ v_all then  -- mutant: a retry looks once
                return v_now;
            end if;
            v_all := v_now;
            raise exception 'more' using errcode = 'P0999', hint = 'Never leaves this function.';  -- mutant: a retry keeps what it has locked
        exception when sqlstate 'P0999' then
            null;
        end;
    end loop;
end;
$$;

comment on function queue.lock_failed_descendants(uuid[]) is $$
Lock those of these jobs that are failed or cancelled, after their videos, and all jobs that ended because of one of them, with those that ended
because of these, and so on; returns them. Their other parents are locked too (shared), until the end of the transaction.
$$;
