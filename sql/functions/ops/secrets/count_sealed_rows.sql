create or replace function ops.count_sealed_rows(
    p_table text,
    p_column text,
    p_key_id text,
    p_after text default null,
    p_limit integer default 10000,
    out row_count bigint,
    out reached text
)
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
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Go on with p_after => reached until that is null.';
    end if;
    execute format(
        'select count(*), case when count(*) = $3 then (array_agg(w.id order by w.place desc))[1] end from ('
        'select t.%3$I::text as id, row_number() over () as place from %1$s as t '
        'where t.%2$I is not null and base.envelope_key(t.%2$I) = $1 %5$s '
        'order by base.envelope_key(t.%2$I), t.%3$I limit $3) as w',
        p_table, p_column, v_own.row_column, v_own.row_type,
        case when p_after is not null then format('and t.%I > $2::%s', v_own.row_column, v_own.row_type) end
    ) into row_count, reached using p_key_id, p_after, p_limit;
end;
$$;

comment on function ops.count_sealed_rows(text, text, text, text, integer) is $$
How many rows of a sealed column are sealed under a key, up to a limit; then go on after the row that was reached.

Arguments
  p_after  the `reached` of the call before; null: from the start
  p_limit  rows that are counted at most, 1 to 10000

Returns row_count, and reached: the last row's id; null when there are no more rows.

Raises
  42501  the caller is no operator
  RQ004  no such sealed column
  RQ008  a limit out of bounds
$$;
