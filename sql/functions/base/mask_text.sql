create or replace function base.mask_text(p_text text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select regexp_replace(left(p_text, 200), $re$(\w)\w*$re$, $re$\1***$re$, 'g');  -- mutant: a mask shows the text
$$;

comment on function base.mask_text(text) is $$
What somebody wrote, as M*** h***: the first letter of each word, of the first 200 characters. For titles and names. Of an error's message
base.mask_message leaves more. Null in, null out.
$$;
