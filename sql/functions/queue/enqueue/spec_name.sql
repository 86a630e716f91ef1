create or replace function queue.spec_name(p_place bigint, p_spec jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
select 'spec ' || p_place || coalesce(' (ref ' || left(p_spec ->> 'ref', 200) || ')', '');
$$;

comment on function queue.spec_name(bigint, jsonb) is $$
How messages name a spec of queue.enqueue_jobs: by its place, of which 1 is the first, and its ref.
$$;
