create or replace function ops.list_sealed_rows(
    p_table text,
    p_column text,
    p_key_id text,
    p_after text default null,
    p_limit integer default 200
)
returns table (row_id text, envelope bytea)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_own record;
begin
    v_own := ops.check_sealed_column(p_table, p_column);
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Go on with p_after => the last row_id until no row comes.';
    end if;
    return query execute format(
        'select t.%3$I::text, t.%2$I from %1$s as t '
        'where t.%2$I is not null and base.envelope_key(t.%2$I) = $1 %4$s '
        'order by base.envelope_key(t.%2$I), t.%3$I limit $3',
        p_table, p_column, v_own.row_column,
        case when p_after is not null then format('and t.%I > $2::%s', v_own.row_column, v_own.row_type) end
    ) using p_key_id, p_after, p_limit;
end;
$$;

comment on function ops.list_sealed_rows(text, text, text, text, integer) is $$
Rows of a sealed column that are sealed under a key, in the order of their ids, with their envelopes. What is in those only a host
with the key can tell.

Arguments
  p_after  the last row_id of the call before; null: from the start
  p_limit  rows at most, 1 to 1000

Raises
  42501  the caller is no operator
  RQ004  no such sealed column
  RQ008  a limit out of bounds
$$;
