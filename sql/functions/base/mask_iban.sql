create or replace function base.mask_iban(p_iban text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select left(d.signs, 2) || '** **** ' || case when length(d.signs) < 12 then '****' else right(d.signs, 4) end
    from (select regexp_replace(p_iban, '[ -]', '', 'g') as signs) as d
    where p_iban is not null;
$$;

comment on function base.mask_iban(text) is 'An IBAN as AT** **** 3456: its country and last four signs. Null in, null out.';
