create or replace function queue.priority_refusal(p_job_type text, p_priority integer)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_first integer := queue.first_priority(p_job_type);
begin
    if p_priority < v_first then
        return array[
            'RQ008', format('priority of a tenant''s %s must be %s to 10 (last), not %s', p_job_type, v_first, p_priority),
            'Leave it out for the default of the job type. An operator allows more: queue.set_setting(''tenant_priority'', ''1'').'
        ];
    end if;
    return null;
end;
$$;

comment on function queue.priority_refusal(text, integer) is $$
Why a priority is refused that would get a tenant's job ahead of the others': {RQ008, message, hint}; null: all is well. See
queue.first_priority.
$$;
