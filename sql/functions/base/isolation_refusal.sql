create or replace function base.isolation_refusal()
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Postgres runs "read uncommitted" as read committed.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then  -- mutant: any isolation level will do
        return array[
            'RQ002', format('transaction must be read committed, not %s', current_setting('transaction_isolation')),
            'Begin with: start transaction isolation level read committed. '
            || 'On a snapshot the queue cannot see a job that another session has just finished.'
        ];
    end if;
    return null;
end;
$$;

comment on function base.isolation_refusal() is $$
Why a caller is refused whose transaction is not READ COMMITTED: {RQ002, message, hint}; null: it is.
$$;
