create or replace function base.mask_email(p_email text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case when p_email ~ $re$^.+@.+\.[^.@]+\Z$re$ then regexp_replace(p_email, $re$^(.).*@(.).*(\.[^.@]+)\Z$re$, $re$\1***@\2***\3$re$) else base.mask_text(p_email) end;
$$;

comment on function base.mask_email(text) is 'An address as a***@e***.com: enough to say whether it is the one that somebody tells. Null in, null out.';
