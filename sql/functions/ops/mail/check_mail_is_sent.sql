create or replace function ops.check_mail_is_sent()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not ops.is_offered('smtp') then
        raise exception 'a worker must offer smtp for a mail to be sent, and none has for a day'
            using errcode = 'RQ009', hint = 'Set REELQ_SMTP_HOST and REELQ_SMTP_FROM of a worker; or mail the token yourself: see docs/identity.md.';
    end if;
end;
$$;

comment on function ops.check_mail_is_sent() is $$
Refuse where no worker sends mail: a token that nobody mails would be waited for in vain.

Raises
  RQ009  no worker of the last day offers smtp
$$;
