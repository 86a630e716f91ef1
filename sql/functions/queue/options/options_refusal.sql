create or replace function queue.options_refusal(p_job_type text, p_schema jsonb, p_job_data jsonb, p_at text default '', p_where text default '')
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mistake text[];
begin
    -- What is too large is refused as job_data, before there is a job: nothing here takes its time with it.
    -- (An installation writes pipelines before the settings.)
    if (octet_length(p_job_data::text) > (select s.value::integer from queue.settings as s where s.name = 'job_data_bytes')) is not true then  -- mutant: options of any size are looked at
        v_mistake := queue.find_option_mistake(p_schema, p_job_data, p_at);
    end if;
    return case when v_mistake is not null then  -- mutant: options are not checked
        array[
            'RQ008', coalesce(p_where, '') || v_mistake[1],
            concat_ws(' ', nullif(v_mistake[2], ''), format('Options: reelq job-types show %s', p_job_type))
        ]
    end;
end;
$$;

comment on function queue.options_refusal(text, jsonb, jsonb, text, text) is $$
Why options of a job, that is its job_data, are not what their type takes: {SQLSTATE, message, hint} for whoever raises it (RQ008).
Null: they are.

Arguments
  p_schema  queue.job_types.options_schema of that type; null takes everything
  p_at      the step of a pipeline whose options they are; empty: they are a job's
  p_where   begins the sentence, as "spec 3: "
$$;
