create or replace function queue.route_new_jobs()
returns trigger
language plpgsql
security definer
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_waiting uuid[];
    v_free uuid[];
begin
    if exists (select from new_jobs as j where j.depends_on is not null) then
        v_waiting := queue.link_parents(
            (select array_agg(j.id order by j.id) from new_jobs as j where j.depends_on is not null)
        );
    end if;

    insert into queue.scheduled (due, job_id, job_type)
    select j.scheduled_for, j.id, j.job_type
    from new_jobs as j
    where j.scheduled_for > v_now and j.id <> all(coalesce(v_waiting, '{}'));

    v_free := array(
        select j.id from new_jobs as j
        where j.scheduled_for <= v_now and j.id <> all(coalesce(v_waiting, '{}'))
        order by j.id
    );
    if v_free <> '{}' then
        perform queue.put_ready(v_free);
    end if;
    return null;
end;
$$;

comment on function queue.route_new_jobs() is $$
Trigger after insert on queue.processing_jobs, once a statement: puts each new job where it can be
found: blocked while a parent is unfinished, scheduled while its time has not come, else ready.

Raises
  RQ005  unknown parent
  RQ006  the jobs of this statement wait for one another in a circle
$$;

create or replace trigger route_new_jobs
after insert on queue.processing_jobs
referencing new table as new_jobs
for each statement execute function queue.route_new_jobs();
