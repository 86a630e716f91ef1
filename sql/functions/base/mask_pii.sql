create or replace function base.mask_pii(p_kind text, p_value text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case p_kind
        when 'email' then base.mask_email(p_value)
        when 'phone' then base.mask_phone(p_value)
        when 'card' then base.mask_card(p_value)
        when 'iban' then base.mask_iban(p_value)
        else base.mask_text(p_value)
    end;
$$;

comment on function base.mask_pii(text, text) is 'What base.find_pii has found, masked as its kind asks for.';
