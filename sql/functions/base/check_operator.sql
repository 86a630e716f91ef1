create or replace function base.check_operator()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not base.is_operator() then
        raise exception 'only operators may see this, and nobody who acts for a tenant'
            using errcode = 'insufficient_privilege',
                  hint = 'Reset reelq.tenant_id. What is a tenant''s an application sees with it set (reelq: --tenant ID). A role that looks after the server needs pg_monitor beside reelq_readonly.';
    end if;
end;
$$;

comment on function base.check_operator() is $$
Refuse callers who are no operators; see base.is_operator.

Raises
  42501  the caller is an application or a reader, or has named a tenant
$$;
