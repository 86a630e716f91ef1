create or replace function queue.begin_object(
    p_job_id uuid,
    p_token integer,
    p_tenant_id uuid,
    p_bucket text,
    p_key text,
    p_mime text default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform queue.lock_running_job(p_job_id, p_token);
    return media.begin_object(p_tenant_id, p_bucket, p_key, p_mime, p_job_id, p_token);
end;
$$;

comment on function queue.begin_object(uuid, integer, uuid, text, text, text) is $$
A running job is about to write an object (see media.begin_object), under its fencing token. To be committed before the first byte.

Raises
  RQ001  lease lost
  RQ004  not a tenant of the caller
  RQ008  no bucket or no key
  RQ009  another object has the key
$$;
