create or replace function ops.redact_audit(p_user_id uuid, p_values text[] default '{}', p_reason text default 'the user is erased')
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The audit is not there yet.
    perform p_user_id, p_values, p_reason;
    return 0;
end;
$$;

comment on function ops.redact_audit(uuid, text[], text) is 'Blank in the audit what is personal of a user, once there is one. Returns how many rows it changed.';
