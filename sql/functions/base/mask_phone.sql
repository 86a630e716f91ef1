create or replace function base.mask_phone(p_phone text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case when length(p_phone) < 7 then '***' else left(p_phone, 3) || '***' || right(p_phone, 2) end;
$$;

comment on function base.mask_phone(text) is 'A phone number as +43***67: its first three and last two signs; of one shorter than 7 none. Null in, null out.';
