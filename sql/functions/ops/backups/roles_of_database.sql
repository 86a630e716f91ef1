create or replace function ops.roles_of_database()
returns setof name
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select distinct r.rolname
    from pg_roles as r
    where
        r.rolname = current_user
        or r.oid in (
            select d.refobjid from pg_shdepend as d
            where
                d.dbid = (select b.oid from pg_database as b where b.datname = current_database())
                and d.refclassid = 'pg_authid'::regclass and d.deptype in ('a', 'r')
        )
    order by 1;
$$;

comment on function ops.roles_of_database() is $$
The roles that rights and policies of this database name, and the caller: they have to be there before a dump of it is restored, since roles belong to the whole
cluster and are in no dump.
$$;
