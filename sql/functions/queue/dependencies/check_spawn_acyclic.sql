create or replace function queue.check_spawn_acyclic(p_job_id uuid, p_spawned uuid[])
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_found uuid;
begin
    with recursive above (id) as (
        select d.parent_id from queue.job_dependencies as d where d.job_id = any(p_spawned) and not d.satisfied
        union
        select d.parent_id from above as a inner join queue.job_dependencies as d on d.job_id = a.id and not d.satisfied
    )
    select a.id into v_found
    from above as a
    inner join queue.job_dependencies as d on d.parent_id = p_job_id and d.job_id = a.id and not d.satisfied
    limit 1;
    if found then
        raise exception 'spawned jobs must not wait for job %, which waits for job % that spawns them', v_found, p_job_id
            using errcode = 'RQ006', hint = 'What a job fans out into cannot depend on what waits for the job.';
    end if;
end;
$$;

comment on function queue.check_spawn_acyclic(uuid, uuid[]) is $$
Refuse jobs spawned by a job when one of them waits, over however many edges, for a job that waits for it (RQ006).
$$;
