create or replace function base.format_count(p_count bigint, p_most bigint default 10000)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_count >= p_most then reverse(regexp_replace(reverse(p_most::text), $re$(\d{3})(?=\d)$re$, $re$\1,$re$, 'g')) || '+'
        else p_count::text
    end;
$$;

comment on function base.format_count(bigint, bigint) is $$
A number that was counted up to p_most and no further, as people read it: 10,000+ means so many or more.
$$;
