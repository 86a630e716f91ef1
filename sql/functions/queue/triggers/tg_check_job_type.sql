create or replace function queue.tg_check_job_type()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(new.limits) > 20 then  -- mutant: a type under any number of limits
        raise exception 'limits of job type % must be at most 20 words, not %', quote_literal(new.job_type), cardinality(new.limits)
            using errcode = 'RQ008', hint = 'Each claim looks at each limit of a job. Most types need one, such as youtube.';
    end if;
    new.options_path := null;
    if new.options_schema is not null then
        perform queue.check_options_schema(new.options_schema, format('job type %L: options_schema', new.job_type));
        new.options_path := ('strict ' || queue.options_path(new.options_schema))::jsonpath;
    end if;
    return new;
end;
$$;

comment on function queue.tg_check_job_type() is $$
Trigger before a row of queue.job_types is written: refuses more than 20 words of limits and an options_schema in which a keyword is unknown or
wrong (RQ008), and keeps options_path. What waits already is not looked at again: its worker checks it.
$$;

create or replace trigger check_job_type
before insert or update of limits, options_schema, options_path on queue.job_types
for each row execute function queue.tg_check_job_type();
