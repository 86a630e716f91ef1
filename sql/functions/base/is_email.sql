create or replace function base.is_email(p_email text)
returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    -- What RFC 5321 lets a mailbox be without quotes; a domain beyond ASCII in the form that mail is sent to, as xn--e1afmkfd.xn--p1ai.
    select p_email ~* '^[a-z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-z0-9.-]+[.]([a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$' and length(p_email) <= 255;
$$;

comment on function base.is_email(text) is $$
Whether it looks like an address that mail can be sent to, of at most 255 characters. Null in, null out.
$$;
