create or replace function ops.scrub_text(p_text text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select regexp_replace(
        regexp_replace(p_text, $re$://[^/@:\s]*:[^/@\s]+@$re$, '://(hidden)@', 'g'),
        $re$(\m(password|secret|token|signature|x-amz-signature|x-amz-credential)=)[^&\s]+$re$, $re$\1(hidden)$re$, 'gi'
    );
$$;

comment on function ops.scrub_text(text) is $$
A text without what a URL or a connection string may hold: user and password before the host, and the values of password=, token=, signature=.
$$;
