create or replace function queue.first_priority(p_job_type text)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if base.current_tenant() is null then
        return 1;
    end if;
    return least(
        queue.setting('tenant_priority')::integer,  -- mutant: a tenant chooses any priority
        (select t.priority from queue.job_types as t where t.job_type = p_job_type),
        (select min(s.priority) from queue.pipeline_steps as s where s.job_type = p_job_type)
    );
end;
$$;

comment on function queue.first_priority(text) is $$
The most urgent priority that the caller may give a job of this type: 1, or for whoever acts for a tenant what the setting
tenant_priority says. What an operator chose, as the default of the type or for a step of a pipeline, is allowed in any case.
$$;
