create or replace function queue.spell_bounds(p_least jsonb, p_most jsonb, p_above jsonb default null, p_below jsonb default null)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
select case
    when p_least is not null and p_most is not null and num_nonnulls(p_above, p_below) = 0 then format('%s to %s', p_least, p_most)
    else concat_ws(' and ', 'at least ' || p_least::text, 'above ' || p_above::text, 'at most ' || p_most::text, 'below ' || p_below::text)
end;
$$;

comment on function queue.spell_bounds(jsonb, jsonb, jsonb, jsonb) is $$
Bounds in words: "15 to 40", "at least 1", "above 0 and at most 1". Null: no such bound. p_least and p_most are allowed themselves,
p_above and p_below are not.
$$;
