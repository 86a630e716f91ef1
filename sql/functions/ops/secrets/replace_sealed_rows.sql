create or replace function ops.replace_sealed_rows(
    p_table text,
    p_column text,
    p_row_ids text[],
    p_old bytea[],
    p_new bytea[]
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_own record;
    v_current text;
    v_replaced bigint;
begin
    v_own := ops.check_sealed_column(p_table, p_column);
    perform base.check_read_committed();
    if coalesce(cardinality(p_row_ids), 0) not between 1 and 1000
        or cardinality(p_old) is distinct from cardinality(p_row_ids) or cardinality(p_new) is distinct from cardinality(p_row_ids)
        or exists (select from unnest(p_new) as n (envelope) where base.is_envelope(n.envelope) is not true)
    then
        raise exception 'rows, old and new envelopes must be 1 to 1000 each, as many of one as of the other, and none of them null'
            using errcode = 'RQ008', hint = 'reelq secrets rotate does this.';
    end if;

    -- Under share lock, so that no other rotation makes another key current before this batch is through.
    select s.key_id into v_current from ops.secret_keys as s where s.is_current for share;
    if exists (select from unnest(p_new) as n (envelope) where base.envelope_key(n.envelope) is distinct from v_current) then  -- mutant: rows are sealed back under an older key
        raise exception 'secrets are sealed anew under the current key only, which is %', coalesce(v_current, 'none yet')
            using errcode = 'RQ017', hint = 'Another host has rotated: put its key file here, then reelq secrets rotate again.';
    end if;

    execute format(
        'with given as materialized (select g.id::%4$s as id, g.old, g.new from unnest($1, $2, $3) as g (id, old, new)), '
        -- Rows that somebody holds are left for the next round: their transaction may take long.
        'held as materialized (select t.%3$I as id from %1$s as t where t.%3$I = any($1::%4$s[]) order by t.%3$I for no key update skip locked) '
        'update %1$s as t set %2$I = g.new from given as g inner join held as h on h.id = g.id '
        'where t.%3$I = g.id and t.%3$I = any($1::%4$s[]) and t.%2$I = g.old',  -- mutant: a secret that changed meanwhile is overwritten
        p_table, p_column, v_own.row_column, v_own.row_type
    ) using p_row_ids, p_old, p_new;
    get diagnostics v_replaced = row_count;
    return v_replaced;
end;
$$;

comment on function ops.replace_sealed_rows(text, text, text[], bytea[], bytea[]) is $$
Put envelopes under the current key in the place of older ones, where those are still there: a secret that was changed meanwhile stays
as it is, and so do rows that another transaction holds. Returns how many were replaced.

Arguments
  p_row_ids     1 to 1000 primary keys, as text
  p_old, p_new  the envelope of each as it was read, and what it becomes

Raises
  42501  the caller is no operator
  RQ002  the transaction is not READ COMMITTED
  RQ004  no such sealed column
  RQ008  arrays of different lengths, or what is no envelope
  RQ017  a new envelope is not under the current key
$$;
