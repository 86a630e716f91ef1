create or replace function base.check_read_committed()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_no text[] := base.isolation_refusal();
begin
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
end;
$$;

comment on function base.check_read_committed() is $$
Refuse callers whose transaction is not READ COMMITTED.

Raises
  RQ002  wrong isolation level
$$;
