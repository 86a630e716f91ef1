create or replace function queue.lock_failed_descendants(p_job_id uuid)
returns uuid[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_level uuid[] := array[p_job_id];
    v_all uuid[] := v_level;
begin
    -- Go down level by level. The share lock on the other parents waits for one that is being settled at this moment: either its
    -- decision is visible below, or it sees the children come back.
    while v_level <> '{}' loop
        perform from queue.processing_jobs as j
        where
            j.id = any(array(select d.parent_id from queue.job_dependencies as d where d.job_id = any(v_level) and not d.satisfied))
            and j.id <> all(v_all)
        order by j.id for share;

        v_level := array(
            select distinct d.job_id
            from queue.job_dependencies as d
            where
                d.parent_id = any(v_level) and not d.satisfied
                and (
                    select j.status in ('failed', 'cancelled') and j.error_code = 'parent_failed'
                    from queue.processing_jobs as j where j.id = d.job_id
                )
            order by d.job_id
        );
        v_level := array(select l from unnest(v_level) as l except select a from unnest(v_all) as a order by 1);
        perform from queue.processing_jobs as j where j.id = any(v_level) order by j.id for no key update;
        v_all := v_all || v_level;
    end loop;
    return v_all;
end;
$$;

comment on function queue.lock_failed_descendants(uuid) is $$
Lock a failed or cancelled job and all jobs that ended because of it, with those that ended because of these, and so on; returns them.
Their other parents are locked too (shared), until the end of the transaction.
$$;
