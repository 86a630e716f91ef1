create or replace function ops.mail_verification(p_user_id uuid, p_email text default null)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_send_to text;
begin
    perform base.check_read_committed();
    perform ops.check_mail_is_sent();
    select r.send_to into v_send_to from identity.request_verification(p_user_id, p_email) as r;
    if v_send_to is not null then
        perform ops.enqueue_token_mail(p_user_id, 'verify_email');
    end if;
    return v_send_to is not null;
end;
$$;

comment on function ops.mail_verification(uuid, text) is $$
As identity.request_verification, and the mail is sent by a worker: the token is told to nobody else. Whether one is sent; not so soon after the last.

Arguments
  p_email  a new address; null: the present one

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such user, or not one that the caller may see
  RQ008  it is no address
  RQ009  no worker of the last day offers smtp
  RQ012  the tenant is suspended or deleted
  RQ015  five were mailed to the address within an hour
  RQ016  the caller's role does not allow it, or the user's log-in is too old for another address: see identity.check_fresh_login
$$;
