create or replace function queue.check_options(p_job_type text, p_schema jsonb, p_job_data jsonb, p_at text default '', p_where text default '')
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mistake text[] := queue.find_option_mistake(p_schema, p_job_data, p_at);
begin
    if v_mistake is not null then  -- mutant: options are not checked
        raise exception '%', coalesce(p_where, '') || v_mistake[1]
            using errcode = 'RQ008', hint = concat_ws(' ', nullif(v_mistake[2], ''), format('Options: reelq job-types show %s', p_job_type));
    end if;
end;
$$;

comment on function queue.check_options(text, jsonb, jsonb, text, text) is $$
Refuse options of a job, that is its job_data, which their type does not take (RQ008). Null for p_schema takes everything.

Arguments
  p_schema  queue.job_types.options_schema of that type
  p_at      the step of a pipeline whose options they are; empty: they are a job's
  p_where   begins the sentence, as "spec 3: "
$$;
