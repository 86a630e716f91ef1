create or replace function queue.nearest_word(p_word text, p_known text[])
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
-- Words are alike by the pairs of letters that they share, the edges counted: "crff" and "crf" share _c, cr, rf, f_ of their nine.
with pairs as (
    select k.word, lower(substr('_' || k.word || '_', n, 2)) as pair
    from unnest(p_known || left(p_word, 63)) as k (word)  -- mutant: the longest word is compared letter by letter
    cross join lateral generate_series(1, length(k.word) + 1) as n
),
shared as (
    select k.word, 2.0 * count(distinct p.pair) / (length(k.word) + length(left(p_word, 63)) + 2) as share
    from unnest(p_known) as k (word)
    inner join pairs as p on p.word = k.word
    where p.pair in (select o.pair from pairs as o where o.word = left(p_word, 63))
    group by k.word
)
select s.word from shared as s where s.share >= 0.4 order by s.share desc, s.word limit 1;
$$;

comment on function queue.nearest_word(text, text[]) is $$
That of the known words which somebody most likely meant by a misspelt one; null: none is like it.
$$;
