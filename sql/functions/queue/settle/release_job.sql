create or replace function queue.release_job(p_job_id uuid, p_token integer, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform queue.requeue_job(p_job_id, p_token, base.clock(), 'released', p_reason);
end;
$$;

comment on function queue.release_job(uuid, integer, text) is $$
Hand a running job back at once, as a draining worker does. Costs neither an attempt nor a crash.

Raises
  RQ001  lease lost
$$;
