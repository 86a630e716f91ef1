create or replace function queue.check_result(p_result jsonb)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(p_result) <> 'object' or pg_column_size(p_result) > 65536 then
        raise exception 'result must be a JSON object of at most 65536 bytes, not % of %', jsonb_typeof(p_result), pg_column_size(p_result)
            using errcode = 'RQ008', hint = 'Store large results as objects and return their keys.';
    end if;
end;
$$;

comment on function queue.check_result(jsonb) is $$
Refuse a result that is no object or too large for the record (RQ008).
$$;
