create or replace function ops.acting_person()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        'user:' || base.current_user_id(),
        'tenant:' || base.current_tenant(),
        'role:' || coalesce(nullif(current_setting('role', true), 'none'), session_user::text)
    );
$$;

comment on function ops.acting_person() is 'Who asks: user:<id>, tenant:<id> or role:<database role>. Never a name of a person.';
