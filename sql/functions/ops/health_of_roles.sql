create or replace function ops.health_of_roles()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_missing text;
    v_caller name := coalesce(nullif(current_setting('role', true), 'none'), session_user::text);
    v_owner boolean := pg_has_role(v_caller, current_user, 'usage');
begin
    select string_agg(wanted, ', ') into v_missing
    from unnest(array['reelq_worker', 'reelq_app', 'reelq_readonly']) as wanted where to_regrole(wanted) is null;
    if v_missing is not null then
        return query
        select 'roles', 'bad', format('Missing: %s', v_missing), 'As a superuser: create role … nologin; then: reelq schema upgrade';
        return;
    end if;
    return query
    select
        'roles',
        case when v_owner or pg_has_role(v_caller, 'reelq_worker', 'usage') then 'ok' else 'warn' end,
        case
            when v_owner then format('%s owns the schema; an account that runs workers needs reelq_worker and nothing more.', v_caller)
            when pg_has_role(v_caller, 'reelq_worker', 'usage') then format('%s may claim and record (reelq_worker).', v_caller)
            else format('%s may read only: no worker can run with this account.', v_caller)
        end,
        case
            when not v_owner and not pg_has_role(v_caller, 'reelq_worker', 'usage')
                then format('For a worker: grant reelq_worker to %I', v_caller)
        end;
end;
$$;

comment on function ops.health_of_roles() is $$
Part of ops.health: the roles that the grants need, and what the caller may do.
$$;
