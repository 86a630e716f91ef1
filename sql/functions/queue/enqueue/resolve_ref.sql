create or replace function queue.resolve_ref(p_word text, p_refs jsonb)
returns uuid
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_refs ? p_word then
        return (p_refs ->> p_word)::uuid;
    elsif p_word !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' or p_word is null then
        raise exception 'depends_on must name refs of the same call or ids of jobs, not %', coalesce(quote_literal(left(p_word, 80)), 'null')
            using errcode = 'RQ005', hint = 'A ref is what another spec of the call has as its ref.';
    end if;
    return p_word::uuid;
end;
$$;

comment on function queue.resolve_ref(text, jsonb) is $$
The job that a word in depends_on means: a ref of the same call ({ref: id}), or an id.

Raises
  RQ005  neither
$$;
