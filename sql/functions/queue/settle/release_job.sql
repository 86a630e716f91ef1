create or replace function queue.release_job(p_job_id uuid, p_token integer, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform queue.requeue_job(p_job_id, p_token, base.clock(), 'released', left(p_reason, 2000));  -- mutant: a release's reason of any length
end;
$$;

comment on function queue.release_job(uuid, integer, text) is $$
Hand a running job back at once, as a draining worker does. Costs neither an attempt nor a crash. The reason is cut at 2,000 characters.

Raises
  RQ001  lease lost
$$;
