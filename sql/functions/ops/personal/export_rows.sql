create or replace function ops.export_rows(p_user_id uuid, p_relation text)
returns setof jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_rule record;
    v_hidden text[];
begin
    perform ops.check_subject(p_user_id);
    select r.relation, r.finds into v_rule from ops.personal_rules() as r where r.relation = p_relation and to_regclass(r.relation) is not null;
    if v_rule.relation is null then
        raise exception 'no personal data in %', coalesce(quote_literal(p_relation), 'null') using errcode = 'RQ004', hint = 'See: select * from ops.export_tables()';
    end if;
    -- Secrets are nobody's to see, and what is computed says nothing new.
    v_hidden := array(
        select a.attname::text
        from pg_catalog.pg_attribute as a
        where a.attrelid = to_regclass(v_rule.relation) and a.attnum > 0 and not a.attisdropped
            and (col_description(a.attrelid, a.attnum) ~ $re$\[secret\]\Z$re$ or a.attgenerated <> '')  -- mutant: an export shows secrets
    );
    return query execute format('select to_jsonb(t) - $2 from %s as t where %s', v_rule.relation, v_rule.finds) using p_user_id, v_hidden;
end;
$$;

comment on function ops.export_rows(uuid, text) is $$
Rows of one table that are a user's, as JSON, without secrets. Read it by a cursor: rows beyond work_mem wait on the server's disk. For the user,
their tenant, its admin, and operators.

Arguments
  p_relation  one of ops.export_tables()

Raises
  RQ004  no such user, or nobody whom the caller may see; no such table
$$;
