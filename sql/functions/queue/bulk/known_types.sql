create or replace function queue.known_types(p_job_type text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
select
    coalesce('Did you mean ' || queue.nearest_word(lower(p_job_type), array_agg(t.job_type)) || '? ', '')
    || 'Known: ' || coalesce(string_agg(t.job_type, ', ' order by t.job_type), 'none')
from queue.job_types as t;
$$;

comment on function queue.known_types(text) is $$
The hint for a job type that does not exist: the one that was most likely meant, and those that there are.
$$;
