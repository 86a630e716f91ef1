create or replace function base.find_owner_faults()
returns table (object text, fault text, mend text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with room as (
        select n.oid, n.nspowner, (select b.nspowner from pg_namespace as b where b.nspname = 'base') as owner
        from pg_namespace as n
        where n.nspname in ('base', 'identity', 'media', 'queue', 'ops')
    ),
    relation as (
        select c.oid, c.oid::regclass::text as name, c.relowner, c.relkind, c.relrowsecurity and c.relforcerowsecurity as is_bound, r.owner
        from pg_class as c
        inner join room as r on r.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relname !~ '^pg_'
    )
    select r.oid::regnamespace::text, format('belongs to %I, and base to %I', pg_get_userbyid(r.nspowner), pg_get_userbyid(r.owner)),
        format('alter schema %s owner to %I', r.oid::regnamespace, pg_get_userbyid(r.owner))
    from room as r
    where r.nspowner <> r.owner
    union all
    select c.name, format('belongs to %I, and base to %I', pg_get_userbyid(c.relowner), pg_get_userbyid(c.owner)),
        format('alter %s %s owner to %I', case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, c.name, pg_get_userbyid(c.owner))
    from relation as c
    where c.relowner <> c.owner
    union all
    select p.oid::regprocedure::text, format('belongs to %I, and base to %I', pg_get_userbyid(p.proowner), pg_get_userbyid(r.owner)),
        format('alter routine %s owner to %I', p.oid::regprocedure, pg_get_userbyid(r.owner))
    from pg_proc as p
    inner join room as r on r.oid = p.pronamespace
    where p.proowner <> r.owner
    union all
    -- Row security is forced, so that the owner needs a policy too. REASSIGN OWNED leaves that with the old owner, and a dump
    -- that is restored without owners loses it.
    select c.name, format('its owner %I may not see its rows', pg_get_userbyid(c.relowner)),
        format(
            case when exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'owner_sees_all')
                then 'alter policy owner_sees_all on %s to %I' else 'create policy owner_sees_all on %s to %I using (true) with check (true)'
            end, c.name, pg_get_userbyid(c.relowner)
        )
    from relation as c
    where
        c.is_bound
        and not exists (
            select from pg_policy as p
            where p.polrelid = c.oid and p.polname = 'owner_sees_all' and p.polroles && array[c.relowner, 0::oid]
        )
    union all
    -- Policies for applications would bind the owner too, and with it every function: a user of a tenant would be looked for among the rows
    -- that this user may see, and no job could be updated. A superuser is bound by none.
    select format('the owner %I', pg_get_userbyid(r.nspowner)), format('is a member of %I, whose row security would bind it', g.rolname),
        format('revoke %I from %I', g.rolname, pg_get_userbyid(r.nspowner))
    from room as r
    inner join pg_roles as o on o.oid = r.nspowner and not o.rolsuper and not o.rolbypassrls
    inner join pg_roles as g on g.rolname in ('reelq_app', 'reelq_readonly') and pg_has_role(r.nspowner, g.oid, 'usage')
    where r.oid = 'base'::regnamespace
    order by 1, 2;
$$;

comment on function base.find_owner_faults() is $$
What is wrong with who owns our schemas, after REASSIGN OWNED or a restore with --no-owner: objects of different owners,
tables whose owner may not see their rows, so that the queue would find no job, and an owner that row security for applications binds. `mend` is the statement that puts it right.
$$;
