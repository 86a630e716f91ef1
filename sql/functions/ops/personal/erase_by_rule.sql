create or replace function ops.erase_by_rule(p_relation text, p_user_id uuid, p_limit integer)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_rule record;
    v_keys text[];
    v_found text;
    v_count bigint;
begin
    select r.action, r.finds, r.blanks into v_rule from ops.personal_rules() as r where r.relation = p_relation and r.action in ('delete', 'blank');
    -- By its key: a ctid names a row of one partition only.
    v_keys := array(
        select quote_ident(a.attname)
        from pg_catalog.pg_index as i
        inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = to_regclass(p_relation) and i.indisprimary
        order by a.attnum
    );
    v_found := format(
        'with found as materialized (select t.%s from %s as t where %s order by %s limit $2 for update) ',
        array_to_string(v_keys, ', t.'), p_relation, v_rule.finds, 't.' || array_to_string(v_keys, ', t.')
    );
    if v_rule.action = 'delete' then
        v_found := v_found || format('delete from %s as t using found as f where ', p_relation);
    else
        v_found := v_found || format(
            'update %s as t set %s from found as f where ', p_relation,
            (select string_agg(format('%I = %s', b.key, b.value), ', ') from jsonb_each_text(v_rule.blanks) as b)
        );
    end if;
    execute v_found || (select string_agg(format('t.%1$s = f.%1$s', k), ' and ') from unnest(v_keys) as k) using p_user_id, p_limit;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function ops.erase_by_rule(text, uuid, integer) is $$
Delete or blank rows of one table that are a user's, as ops.personal_rules has it. Returns how many; fewer than the limit: that was all.

Arguments
  p_relation  a table whose action is delete or blank
  p_limit     at most so many
$$;
