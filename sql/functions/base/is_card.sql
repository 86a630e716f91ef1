create or replace function base.is_card(p_text text)
returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select
        length(d.digits) between 13 and 19 and d.digits !~ $re$^(.)\1*\Z$re$
        and (
            select sum(case when at % 2 = 1 then n when n * 2 > 9 then n * 2 - 9 else n * 2 end) % 10 = 0
            from regexp_split_to_table(reverse(d.digits), '') with ordinality as one (digit, at)
            cross join lateral (select one.digit::integer as n) as number
        )
    from (select regexp_replace(p_text, $re$\D$re$, '', 'g') as digits) as d;
$$;

comment on function base.is_card(text) is $$
Whether a text is a payment card's number: 13 to 19 digits, whatever stands between them, that pass Luhn's check and are not all the same. Null in, null out.
$$;
