create or replace function queue.tg_refuse_truncate()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception '%.% must not be truncated: nothing would clear away what belongs to its rows elsewhere', tg_table_schema, tg_table_name
        using errcode = 'RQ007', hint = 'To empty the queue, as in a test: select queue.delete_all_jobs(). Else: queue.delete_jobs(…), or delete from … where …';
end;
$$;

comment on function queue.tg_refuse_truncate() is $$
Trigger before truncate on the tables of jobs and on those whose rows jobs belong to: TRUNCATE passes by the triggers that keep
them together.

Raises
  RQ007  always
$$;

create or replace trigger refuse_truncate before truncate on identity.tenants
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on media.assets
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on media.videos
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.processing_jobs
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.ready
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.scheduled
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.blocked
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.parked
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.leases
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.dead_letters
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.job_dependencies
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.spawned
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.job_attempts
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.gate_events
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.limits
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.pauses
for each statement execute function queue.tg_refuse_truncate();

create or replace trigger refuse_truncate before truncate on queue.locks
for each statement execute function queue.tg_refuse_truncate();
