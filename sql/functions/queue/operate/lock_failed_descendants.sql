create or replace function queue.lock_failed_descendants(p_job_ids uuid[])
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_all uuid[];
    v_count integer := 0;
begin
    -- Find all first, so that they are locked in the order of ids (docs/design/locks.md); again until no more are found. The share lock
    -- on the other parents waits for one that is being settled at this moment: either its decision is visible below, or it sees the
    -- children come back.
    loop
        v_all := queue.find_failed_descendants(p_job_ids);
        exit when cardinality(v_all) = v_count;
        v_count := cardinality(v_all);
        perform from queue.processing_jobs as j where j.id = any(v_all) order by j.id for no key update;  -- mutant: a retry locks as it goes
        perform from queue.processing_jobs as j
        where
            j.id = any(array(
                select d.parent_id from queue.job_dependencies as d where d.job_id = any(v_all) and not d.satisfied
                except
                select a from unnest(v_all) as a
            ))
        order by j.id for share;  -- mutant: a retry does not wait for other parents
    end loop;
    return v_all;
end;
$$;

comment on function queue.lock_failed_descendants(uuid[]) is $$
Lock failed or cancelled jobs and all jobs that ended because of one of them, with those that ended because of these, and so on; returns
them. Their other parents are locked too (shared), until the end of the transaction.
$$;
