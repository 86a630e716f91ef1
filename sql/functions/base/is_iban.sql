create or replace function base.is_iban(p_text text)
returns boolean
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_iban text := upper(regexp_replace(p_text, '[ -]', '', 'g'));
begin
    if v_iban !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' then
        return false;
    end if;
    -- ISO 13616: the first four signs to the end, letters as 10 to 35, and the whole number leaves 1 over when divided by 97.
    return (
        select string_agg(case when sign ~ '[0-9]' then sign else (ascii(sign) - 55)::text end, '' order by at)::numeric % 97 = 1
        from regexp_split_to_table(substr(v_iban, 5) || left(v_iban, 4), '') with ordinality as one (sign, at)
    );
end;
$$;

comment on function base.is_iban(text) is $$
Whether a text is an account's number as ISO 13616 has it: country, two check digits (mod 97) and 11 to 30 letters and digits, with or without blanks. Null in, null out.
$$;
