create or replace function media.keep_file(p_object_id uuid, p_tenant_id uuid, p_user_id uuid, p_job_id uuid, p_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_read_committed();
    perform media.use_object(p_object_id, p_tenant_id);
    insert into media.job_files as f (tenant_id, user_id, object_id, job_id, name)
    values (p_tenant_id, p_user_id, p_object_id, p_job_id, p_name)
    on conflict (job_id, name) do update set object_id = excluded.object_id;
end;
$$;

comment on function media.keep_file(uuid, uuid, uuid, uuid, text) is $$
A job type of one's own has stored a file: keep its object. Call it in the transaction that completes the job, so that the lease guards it. A file of the same name takes the place
of the one that an earlier run of the job stored.

Arguments
  p_object_id  from media.finish_object
  p_tenant_id  the job's; null: none
  p_user_id    the job's; null: nobody in particular
  p_name       1 to 255 characters

Raises
  RQ002  the caller is not READ COMMITTED
  RQ018  the object is gone, or not the tenant's
$$;
