create or replace function identity.user_refusal(p_constraint text, p_email text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_constraint
        when 'email_looks_like_one' then format('email must be an address, not %s', quote_literal(left(p_email, 80)))
        when 'username_has_1_to_100_characters' then 'username must have 1 to 100 characters'
        when 'full_name_has_at_most_255_characters' then 'full_name must have 255 characters at most'
        when 'settings_is_an_object' then 'settings must be a JSON object'
        when 'metadata_is_an_object' then 'metadata must be a JSON object'
        else 'email, timezone, language, settings and metadata must be given, each of its type'
    end;
$$;

comment on function identity.user_refusal(text, text) is $$
What is wrong with a user's facts, in words of ours, by the constraint of identity.users that refused them.

Arguments
  p_constraint  its name; empty: a value is missing, or of another type
$$;
