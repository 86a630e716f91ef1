create or replace function ops.mail_invitation(
    p_email text, p_role text default 'member', p_full_name text default null, p_tenant_id uuid default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid;
begin
    perform base.check_read_committed();
    perform ops.check_mail_is_sent();
    select i.user_id into v_user_id from identity.invite_user(p_email, p_role, p_full_name, p_tenant_id) as i;
    perform ops.enqueue_token_mail(v_user_id, 'invitation');
    return v_user_id;
end;
$$;

comment on function ops.mail_invitation(text, text, text, uuid) is $$
As identity.invite_user, and the mail is sent by a worker: the token is told to nobody else. Returns the user's id.

Arguments
  as those of identity.invite_user

Raises
  RQ002  the caller is not READ COMMITTED
  RQ009  no worker of the last day offers smtp
  RQ015  five were mailed to the address within an hour; and what identity.invite_user raises
$$;
