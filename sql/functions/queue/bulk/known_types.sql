create or replace function queue.known_types(p_job_type text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    -- How alike two words are: the part of their pairs of letters that both have. A job type has 63 letters at most: no longer word is compared.
    with pairs (job_type, alike) as (
        select t.job_type, (
            select count(*) filter (where position(substr(w.word, n, 2) in t.job_type) > 0)::real
            from generate_series(1, length(w.word) - 1) as n
        ) / greatest(length(w.word), length(t.job_type), 1)
        from queue.job_types as t
        cross join (select left(lower(p_job_type), 63) as word) as w  -- mutant: the longest word is compared letter by letter
    )
    select coalesce(
        'Did you mean ' || (select string_agg(p.job_type, ' or ' order by p.alike desc, p.job_type) from (
            select * from pairs where pairs.alike >= 0.3 order by pairs.alike desc, pairs.job_type limit 3
        ) as p) || '? ',
        ''
    ) || 'Known: ' || coalesce((select string_agg(p.job_type, ', ' order by p.job_type) from pairs as p), 'none');
$$;

comment on function queue.known_types(text) is $$
The hint for a job type that does not exist: those that it looks like, and those that there are.
$$;
