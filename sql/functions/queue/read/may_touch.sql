create or replace function queue.may_touch(p_job_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    return exists (select from queue.processing_jobs as j where j.id = p_job_id and identity.may_change(j.tenant_id, j.user_id));
end;
$$;

comment on function queue.may_touch(uuid) is $$
Whether a job is there, not archived, and the caller may act for its tenant. To be asked before its row is locked: nobody waits for a
lock on what is not his, and by the time of the answer nobody learns that it exists. A job never changes its tenant.
$$;
