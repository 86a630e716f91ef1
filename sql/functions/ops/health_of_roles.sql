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
    v_open boolean := has_database_privilege('public', current_database(), 'temporary');
    -- As the installer looks whether others live here: worker/db/schema/shared.py.
    v_shared boolean := exists (
        select from pg_namespace as n
        where
            n.nspname not in ('base', 'identity', 'media', 'queue', 'ops', 'reelq_periodic', 'public', 'information_schema') and n.nspname !~ '^pg_'
            and not exists (select from pg_depend as d where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
    ) or exists (
        select from pg_class as c
        where
            c.relnamespace = to_regnamespace('public')
            and not exists (select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    );
begin
    select string_agg(wanted, ', ') into v_missing
    from unnest(array['reelq_worker', 'reelq_app', 'reelq_readonly', 'reelq_support', 'reelq_admin']) as wanted where to_regrole(wanted) is null;
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

    return query
    select 'ownership', 'bad', format('%s %s', f.object, f.fault), 'reelq schema status; then, as the owner: reelq schema upgrade'
    from base.find_owner_faults() as f;
    if not found then
        return query select 'ownership', 'ok', 'All that is ours has one owner, who sees every row.', null::text;
    end if;

    return query
    select
        'temporary objects', case when v_open and not v_shared then 'warn' else 'ok' end,
        case
            when not v_open then 'Only roles that were granted it may make them.'
            when v_shared then 'Everybody may make them, since others live in this database too. Our functions look at none of them.'
            else 'Everybody may make them. Our functions look at none of them, but nobody here needs any.'
        end,
        case when v_open and not v_shared then format('revoke temporary on database %I from public', current_database()) end;
end;
$$;

comment on function ops.health_of_roles() is $$
Part of ops.health: the roles that the grants need, what the caller may do, who owns our objects, and whether everybody may make
temporary ones.
$$;
