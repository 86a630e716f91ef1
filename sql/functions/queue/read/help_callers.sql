create or replace function queue.help_callers(p_function oid)
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(string_agg(substr(r.rolname, length('reelq_') + 1), ', ' order by r.rolname), 'owner')
    from pg_catalog.pg_roles as r
    where r.rolname in ('reelq_app', 'reelq_readonly', 'reelq_worker') and has_function_privilege(r.oid, p_function, 'execute');
$$;

comment on function queue.help_callers(oid) is $$
Part of queue.help: the roles that may call a function, without their reelq_; "owner" when it is nobody else's.
$$;
