create or replace function identity.refuse_credentials()
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'not authenticated'  -- mutant: why it was refused is told
        using errcode = 'RQ014', hint = 'Check what was given. After several wrong tries wait some minutes, or reset the password.';
end;
$$;

comment on function identity.refuse_credentials() is $$
Refuse whoever has not proved who they are. One wording for all: wrong, unknown, locked, suspended, expired, used or revoked, so that
nobody learns which accounts and tokens there are. Why it was so, an operator finds in the audit.

Raises
  RQ014  always
$$;
