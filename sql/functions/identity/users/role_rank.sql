create or replace function identity.role_rank(p_role text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_role when 'viewer' then 1 when 'member' then 2 when 'beta_tester' then 2 when 'admin' then 3 else 0 end;
$$;

comment on function identity.role_rank(text) is $$
How much a role may, as a number: viewer 1, member and beta_tester 2, admin 3; 0 for anything else.
$$;
