create or replace function base.find_pii(p_text text)
returns table (kind text, value text)
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    -- So much and no more of one text: the work for a row has a bound.
    v_text text := left(p_text, 100000);
begin
    if v_text ~ '@' then
        return query
        select 'email', m.found[1]
        from regexp_matches(v_text, $re$[[:alnum:]._%+-]{1,64}@[[:alnum:]-]{1,63}(?:\.[[:alnum:]-]{1,63})*\.[[:alpha:]]{2,24}$re$, 'g') as m (found);
    end if;
    -- None of the others has fewer digits than 7.
    if v_text !~ '[0-9](?:[^0-9]*[0-9]){6}' then
        return;
    end if;
    return query
    select 'iban', m.found[1]
    from regexp_matches(v_text, '(?<![[:alnum:]])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![[:alnum:]])', 'g') as m (found)
    where base.is_iban(m.found[1]);
    -- The digits of an IBAN are neither a card nor a phone.
    v_text := regexp_replace(v_text, '(?<![[:alnum:]])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![[:alnum:]])', '', 'g');
    return query
    select 'card', m.found[1]
    from regexp_matches(v_text, $re$(?<![\w.+:-])(?:[0-9]{13,19}|[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5})(?![\w-])$re$, 'g') as m (found)
    where base.is_card(m.found[1]);  -- mutant: any long number is a card
    return query
    select 'phone', m.found[1]
    from regexp_matches(
        v_text,
        -- +43 660 1234567, 0043…; 0660 123 45 67 and 01/234 56 78 with something between; 555-123-4567 and (555) 123-4567
        $re$(?<![\w.+/:-])(?:(?:\+|00)[1-9][0-9]{0,2}(?:[ ()./-]{0,3}[0-9]){6,12}|0[1-9][0-9]{0,3}[ /-][0-9]{3,4}(?:[ -]?[0-9]{2,4}){1,3}$re$
        || $re$|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}|[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?![\w-])$re$,
        'g'
    ) as m (found);
end;
$$;

comment on function base.find_pii(text) is $$
What looks like a person's in the first 100,000 characters of a text: e-mail addresses, phone numbers (with a country's code, or written in groups),
payment cards (Luhn's check holds) and IBANs (mod 97 holds). A row for each place, in no order. Names are not found: no pattern tells one.

Returns
  kind   email, phone, card or iban
  value  as it stands there
$$;
