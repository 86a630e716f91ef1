create or replace function ops.count_table(p_table text, p_every text default '')
returns table (row_count bigint, sampled bigint, sha256 text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = '1'
set lc_monetary = 'C'
as $$
declare
    v_table regclass := p_table::regclass;
    v_key text;
begin
    if p_every !~ '^0{0,8}$' then
        raise exception 'every must be up to eight zeros, not %', quote_literal(p_every)
            using errcode = 'RQ008', hint = 'Each zero takes a sixteenth of the rows: empty takes all.';
    end if;
    select string_agg(format('t.%I::text', a.attname), ' || ''|'' || ' order by k.n) into v_key
    from pg_index as i
    cross join lateral unnest(i.indkey) with ordinality as k (attnum, n)
    inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = v_table and i.indisprimary;
    -- The sample is chosen by the key, so that it is the same rows after a restore. Sorted outside: the planner would sort the whole table.
    return query
    execute format(
        $q$
        select s.row_count, cardinality(s.sums)::bigint, encode(sha256(convert_to(array_to_string(array(select unnest(s.sums) order by 1), ''), 'UTF8')), 'hex')
        from (
            select count(*) as row_count, coalesce(array_agg(md5(t::text)) filter (where %2$s), '{}') as sums from only %1$s as t
        ) as s
        $q$,
        v_table,
        case when p_every = '' then 'true' else format('left(md5(%s), %s) = %L', coalesce(v_key, 't::text'), length(p_every), p_every) end
    );
end;
$$;

comment on function ops.count_table(text, text) is $$
Count a table, and make a checksum of a sample of its rows that does not depend on where or how they are stored: of the same rows it is the same
in another database, on another version of Postgres.

Arguments
  p_table  schema and name
  p_every  zeros that the MD5 of the primary key begins with: '' all rows, '0' one in 16, '00' one in 256

Returns
  sha256  of the sorted MD5s of the sampled rows as text

Raises
  RQ008  p_every is not that
$$;
