create or replace function queue.cancel_jobs(
    p_status text default null,
    p_job_type text default null,
    p_video_id uuid default null,
    p_place text default null,
    p_code text default null,
    p_tenant text default null,
    p_since timestamptz default null,
    p_until timestamptz default null,
    p_pool text default null,
    p_worker text default null,
    p_priority integer default null,
    p_job_ids uuid[] default null,
    p_all boolean default false,
    p_reason text default null,
    p_dry_run boolean default false,
    p_limit integer default null,
    p_after text default null
)
returns table (outcome text, job_type text, reason text, jobs integer, after text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select c.* from queue.change_jobs(
        'cancel',
        queue.make_filter(
            'cancel', queue.visible_tenant(), p_status, p_job_type, p_video_id, p_place, p_code, p_tenant, p_since, p_until, p_pool, p_worker, p_priority, p_job_ids, p_all
        ),
        p_dry_run, p_limit, p_after, p_reason => p_reason
    ) as c;
end;
$$;

comment on function queue.cancel_jobs(
    text, text, uuid, text, text, text, timestamptz, timestamptz, text, text, integer, uuid[], boolean, text, boolean, integer, text
) is $$
Cancel jobs, many at once: what queue.cancel_job does for each that the arguments choose. Oldest first, in one transaction.

  select * from queue.cancel_jobs(p_job_type => 'no_op', p_reason => 'enqueued twice', p_dry_run => true);

Arguments
  p_status    queued or running; both are the default
  p_place     ready, scheduled, backing off, blocked, parked, running
  p_code      error code of the latest attempt
  p_priority  only jobs that have this one now
  p_tenant    slug or id
  p_since, p_until  when jobs that are over ended, and the others were enqueued
  p_pool, p_worker  of the worker that has, or had, the latest attempt; for operators
  p_job_ids   only these
  p_all       true: all, where nothing else is given
  p_reason    kept with the job, and shown with it; at most 2,000 characters
  p_dry_run   change nothing, say what would become of them
  p_limit     at most so many, of the 20,000 that a call looks at; null: 1000, in a dry run all of those
  p_after     where an earlier call stopped, to go on

Returns a row for each outcome, type and reason
  outcome  cancelled; cancelling: a running one was told; fallen: waits for one of them,
           refused, unchanged; more: something is left, and after says where to go on
  reason   why refused: status or place of the job, or what stands in the way

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such tenant, pool or worker
  RQ008  nothing chosen, or a value that makes no sense
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
  42501  pool or worker asked for by an application
$$;
