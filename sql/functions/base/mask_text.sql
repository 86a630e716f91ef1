create or replace function base.mask_text(p_text text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    -- By code points, since what a letter is hangs on the locale: beyond ASCII nothing is left, in any encoding.
    select regexp_replace(left(p_text, 200), $re$([a-zA-Z0-9_])[a-zA-Z0-9_\x80-\U0010ffff]*|[\x80-\U0010ffff][a-zA-Z0-9_\x80-\U0010ffff]*$re$, $re$\1***$re$, 'g');  -- mutant: a mask shows the text
$$;

comment on function base.mask_text(text) is $$
What somebody wrote, as M*** h***: the first letter of each word where it is one of ASCII, of the first 200 characters. For titles and names. Of an error's message
base.mask_message leaves more. Null in, null out.
$$;
