create or replace function queue.check_priority(p_job_type text, p_priority integer)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_first integer := queue.first_priority(p_job_type);
begin
    if p_priority < v_first then
        raise exception 'priority of a tenant''s % must be % to 10 (last), not %', p_job_type, v_first, p_priority
            using errcode = 'RQ008',
                  hint = 'Leave it out for the default of the job type. An operator allows more: queue.set_setting(''tenant_priority'', ''1'').';
    end if;
end;
$$;

comment on function queue.check_priority(text, integer) is $$
Refuse a priority that would get a tenant's job ahead of the others' (RQ008); see queue.first_priority.
$$;
