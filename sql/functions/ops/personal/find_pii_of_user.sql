create or replace function ops.find_pii_of_user(p_user_id uuid, p_relation text)
returns table (relation text, column_name text, column_class text, row_key text, kind text, sample text, hits bigint)
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
    v_finds text;
begin
    perform ops.check_subject(p_user_id);
    select r.finds into v_finds from ops.personal_rules() as r where r.relation = p_relation and to_regclass(r.relation) is not null;
    if v_finds is null then
        raise exception 'no personal data in %', coalesce(quote_literal(p_relation), 'null') using errcode = 'RQ004', hint = 'See: select * from ops.export_tables()';
    end if;
    if not exists (select from ops.text_columns(to_regclass(p_relation))) then
        return;
    end if;
    return query execute ops.pii_query(p_relation, p_relation, v_finds) using p_user_id;
end;
$$;

comment on function ops.find_pii_of_user(uuid, text) is $$
As ops.find_pii, in the rows of one user.

Arguments
  p_relation  one of ops.export_tables()

Raises
  RQ004  no such user, or nobody whom the caller may see; no such table
$$;
