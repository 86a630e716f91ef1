create or replace function ops.mail_reset(p_email text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_send_to text;
    v_user_id uuid;
begin
    perform base.check_read_committed();
    perform ops.check_mail_is_sent();
    select r.send_to into v_send_to from identity.request_reset(p_email) as r;
    if v_send_to is null then
        return;
    end if;
    select o.user_id into v_user_id
    from identity.one_time_tokens as o inner join identity.users as u on u.id = o.user_id
    where lower(u.email) = lower(v_send_to) and u.deleted_at is null and o.purpose = 'reset_password' and o.used_at is null;
    perform ops.enqueue_token_mail(v_user_id, 'reset_password');
end;
$$;

comment on function ops.mail_reset(text) is $$
As identity.request_reset, and the mail is sent by a worker: the token is told to nobody else. Says the same for every address, and a page has to. An address that gets a mail takes
some hundreds of microseconds longer, which who can measure it learns: an application that minds calls it after it has answered.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ009  no worker of the last day offers smtp
  RQ012  the account's tenant is suspended or deleted
  RQ016  a user who is no admin of the tenant asks, or a key without the scope admin
$$;
