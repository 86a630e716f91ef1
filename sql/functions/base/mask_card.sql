create or replace function base.mask_card(p_card text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select '**** ' || case when length(d.digits) < 12 then '****' else right(d.digits, 4) end
    from (select regexp_replace(p_card, $re$\D$re$, '', 'g') as digits) as d
    where p_card is not null;
$$;

comment on function base.mask_card(text) is 'A card''s number as **** 1111: its last four digits, as receipts show it; of one shorter than 12 none. Null in, null out.';
