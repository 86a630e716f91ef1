create or replace function ops.find_pii(p_part text, p_from_block bigint default 0, p_blocks integer default 1000)
returns table (relation text, column_name text, column_class text, row_key text, kind text, sample text, hits bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_whole text;
begin
    perform base.check_operator();
    select t.relation into v_whole from ops.pii_tables() as t where t.part = p_part;
    if v_whole is null then
        raise exception 'no table % that holds texts', coalesce(quote_literal(p_part), 'null') using errcode = 'RQ004', hint = 'See: select part from ops.pii_tables()';
    end if;
    if p_from_block is null or p_from_block not between 0 and 4294967294 or p_blocks is null or p_blocks not between 1 and 100000 then
        raise exception 'blocks must be 1 to 100000, from 0 on, not % from %', coalesce(p_blocks::text, 'null'), coalesce(p_from_block::text, 'null')
            using errcode = 'RQ008', hint = 'ops.pii_tables() says how many there are.';
    end if;
    return query execute ops.pii_query(v_whole, p_part, 't.ctid >= $1 and t.ctid < $2')
    using format('(%s,0)', p_from_block)::tid, format('(%s,0)', least(p_from_block + p_blocks, 4294967295))::tid;
end;
$$;

comment on function ops.find_pii(text, bigint, integer) is $$
What looks like personal data (base.find_pii) in a part of a table, whatever the class of the column: in one that is not [personal] it does not belong. For operators.
Bounded: it reads the blocks that are asked for, and 100,000 characters of a text.

Arguments
  p_part        from ops.pii_tables
  p_from_block  the first block, from 0
  p_blocks      so many, 1 to 100,000

Returns
  row_key  values of the primary key, with a slash between
  kind     email, phone, card or iban
  sample   one of them, masked
  hits     how many of the kind stand there

Raises
  42501  the caller is no operator
  RQ004  no such table, or it holds no texts
  RQ008  bad blocks
$$;
