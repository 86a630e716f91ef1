create or replace function identity.create_user(
    p_email text,
    p_role text default 'member',
    p_full_name text default null,
    p_username text default null,
    p_tenant_id uuid default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms'  -- mutant: an address that another session holds is waited for without end
as $$
declare
    v_tenant_id uuid := identity.check_tenant(p_tenant_id);
    v_id uuid;
    v_constraint text;
begin
    perform identity.check_manages_users(coalesce(p_role, ''));
    insert into identity.users (tenant_id, email, role, full_name, username)
    values (v_tenant_id, trim(p_email), p_role, p_full_name, p_username)
    returning id into v_id;
    return v_id;
exception
    when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception '% must be a new one, not %, which a user has',
            case v_constraint when 'users_one_username' then 'username' else 'email' end,
            quote_literal(case v_constraint when 'users_one_username' then p_username else p_email end)
            using errcode = 'RQ009', hint = 'An address belongs to one live account on the platform, a username to one of the tenant.';
    when lock_not_available then
        raise exception 'another session is about to take this address or username, or has the tenant'
            using errcode = 'lock_not_available', hint = 'Try again: in a moment it is taken, or free.';
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception '%', case when p_email is null then 'email must be an address, not null' else identity.user_refusal(v_constraint, p_email) end
            using errcode = 'RQ008', hint = 'An email such as ann@example.com, a username of 1 to 100 characters, a name of at most 255.';
end;
$$;

comment on function identity.create_user(text, text, text, text, uuid) is $$
Make an account without a password; return its id. identity.invite_user makes one, and a token with which its user chooses a password.

Arguments
  p_role       admin, member, viewer or beta_tester; not above the caller's own
  p_username   public handle; null: none
  p_tenant_id  null: the tenant of reelq.tenant_id, else the tenant "default"

Raises
  55P03  another session holds the address or username for more than 2 seconds
  RQ004  no such tenant, or not the caller's
  RQ008  a value is not a legal one
  RQ009  the address or the username is taken. An address belongs to one account on the whole platform: this tells that somebody has it
  RQ012  the tenant is suspended or deleted
  RQ016  the caller's role does not allow it
$$;
