create or replace function base.hides_rows(p_table regclass)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select row_security_active(p_table) and (
        not exists (
            select from pg_policy as p
            where p.polrelid = p_table and p.polpermissive and p.polcmd in ('r', '*') and pg_get_expr(p.polqual, p.polrelid) = 'true'
                and exists (select from unnest(p.polroles) as r (oid) where r.oid = 0 or pg_has_role(current_user, r.oid, 'usage'))
        )
        or exists (
            select from pg_policy as p
            where p.polrelid = p_table and not p.polpermissive and p.polcmd in ('r', '*')
                and exists (select from unnest(p.polroles) as r (oid) where r.oid = 0 or pg_has_role(current_user, r.oid, 'usage'))
        )
    );
$$;

comment on function base.hides_rows(regclass) is $$
Whether row security may hide rows of a table from the caller. Not where a policy for select is `using (true)` for the caller and no restrictive one binds it.
$$;
