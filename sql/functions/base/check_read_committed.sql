create or replace function base.check_read_committed()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Postgres runs "read uncommitted" as read committed.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then  -- mutant: any isolation level will do
        raise exception 'transaction must be read committed, not %', current_setting('transaction_isolation')
            using errcode = 'RQ002', hint = 'Begin with: start transaction isolation level read committed. '
                || 'On a snapshot the queue cannot see a job that another session has just finished.';
    end if;
end;
$$;

comment on function base.check_read_committed() is $$
Refuse callers whose transaction is not READ COMMITTED.

Raises
  RQ002  wrong isolation level
$$;
