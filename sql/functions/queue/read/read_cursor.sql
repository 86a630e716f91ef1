create or replace function queue.read_cursor(p_after text)
returns uuid
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_after !~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' then
        raise exception 'after must be the id of the last job of a page, not %', quote_literal(left(p_after, 80))
            using errcode = 'RQ008', hint = 'Leave it out to begin from the start.';
    end if;
    return p_after::uuid;
end;
$$;

comment on function queue.read_cursor(text) is $$
The job that a page of a list begins after; null: from the start. A text, so that what is no id gets a line and a hint. Raises RQ008 for it.
$$;
