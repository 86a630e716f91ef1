create or replace function media.forget_files(p_job_id uuid)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
begin
    perform identity.check_may_write();
    delete from media.job_files as f where f.job_id = p_job_id and identity.may_change(f.tenant_id, f.user_id);  -- mutant: anybody lets another's files go
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function media.forget_files(uuid) is $$
The files that a job stored by ctx.store_file are not needed any more; returns how many. Their bytes go with a later sweep, where nothing else refers to them.

Raises
  RQ016  the caller may not write
$$;
