create or replace function queue.tg_check_pipeline()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_no text[];
begin
    perform queue.pipeline_order(coalesce(new.pipeline, old.pipeline));
    -- What is required may come with the options of a run.
    v_no := coalesce(case when new.job_data is not null then queue.job_data_refusal(new.job_data) end, (
        select queue.options_refusal(t.job_type, t.options_schema - 'required', new.job_data, new.step)
        from queue.job_types as t where t.job_type = new.job_type and t.options_schema is not null
    ));
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    return null;
end;
$$;

comment on function queue.tg_check_pipeline() is $$
Trigger at the end of a transaction that changed queue.pipeline_steps: refuses unknown steps (RQ005), circles (RQ006) and job_data
that the job type of a step does not take (RQ008).
$$;

drop trigger if exists check_pipeline on queue.pipeline_steps;
create constraint trigger check_pipeline
after insert or update or delete on queue.pipeline_steps
deferrable initially deferred
for each row execute function queue.tg_check_pipeline();
