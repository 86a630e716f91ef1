create or replace function ops.filters_of(p_event_type text)
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select array['*', p_event_type] || array(
        select array_to_string((string_to_array(p_event_type, '.'))[:n], '.') || '.*'
        from generate_series(1, cardinality(string_to_array(p_event_type, '.')) - 1) as n
    );
$$;

comment on function ops.filters_of(text) is $$
The filters that an event type passes: of video.ready these are *, video.ready and video.*.
$$;
