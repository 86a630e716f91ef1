create or replace function queue.pipeline_of_key(p_idempotency_key text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select substring(p_idempotency_key from '^pipeline:([a-z][a-z0-9_-]{0,62}):');
$$;

comment on function queue.pipeline_of_key(text) is $$
The pipeline that a step's job is of, by its idempotency key as queue.enqueue_pipeline makes it; null: of none.
$$;
