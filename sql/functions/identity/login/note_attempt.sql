create or replace function identity.note_attempt(p_step text, p_email text, p_user_id uuid, p_admitted boolean default false)
returns uuid
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_address text := case when base.is_email(p_email) then p_email end;
    v_all bigint;
    v_same bigint;
    v_id uuid;
begin
    -- Counted by reading the last ones, since a counter would be a row that all log-ins wait for. Those open at the same moment are not seen.
    select count(*), count(*) filter (where last.address is not distinct from v_address)
    into v_all, v_same
    from (
        select a.address
        from identity.login_attempts as a
        where a.created_at > v_now - interval '1 minute'
        order by a.created_at desc
        limit 1000
    ) as last;
    if not p_admitted and (v_all >= 1000 or v_same >= 20) then  -- mutant: as many attempts are kept as somebody makes
        return null;
    end if;
    insert into identity.login_attempts (step, user_id, admitted, address)
    values (p_step, p_user_id, p_admitted, v_address)
    returning id into v_id;
    return v_id;
end;
$$;

comment on function identity.note_attempt(text, text, uuid, boolean) is $$
Write down that somebody tries to come in; null when nothing was written: of tries that cannot succeed 20 a minute are kept for one address,
and 1,000 a minute for the platform. What is admitted is always kept: the lock bounds it.

Arguments
  p_step      password or reset: see identity.login_attempts
  p_email     in small letters; kept only when it looks like an address
  p_admitted  whether it can succeed
$$;
