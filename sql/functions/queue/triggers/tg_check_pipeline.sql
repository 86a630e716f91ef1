create or replace function queue.tg_check_pipeline()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform queue.pipeline_order(coalesce(new.pipeline, old.pipeline));
    return null;
end;
$$;

comment on function queue.tg_check_pipeline() is $$
Trigger at the end of a transaction that changed queue.pipeline_steps: refuses unknown steps (RQ005) and
circles (RQ006).
$$;

drop trigger if exists check_pipeline on queue.pipeline_steps;
create constraint trigger check_pipeline
after insert or update or delete on queue.pipeline_steps
deferrable initially deferred
for each row execute function queue.tg_check_pipeline();
