create or replace function identity.check_scope(p_scope text)
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_has text;
begin
    if p_scope is null or p_scope not in ('read', 'write', 'delete', 'admin') then
        raise exception 'scope must be read, write, delete or admin, not %', coalesce(quote_literal(left(p_scope, 80)), 'null')
            using errcode = 'RQ008', hint = 'admin includes the others.';
    end if;
    if not identity.has_scope(p_scope) then
        select array_to_string(k.scopes, ', ') into v_has
        from identity.api_keys as k
        where k.id::text = lower(current_setting('reelq.api_key_id', true)) and k.tenant_id = base.current_tenant();
        raise exception 'the key must have the scope %, and has %', p_scope, coalesce(v_has, 'none')
            using errcode = 'RQ016', hint = 'Use a key that has it: reelq keys create --scope …';
    end if;
end;
$$;

comment on function identity.check_scope(text) is $$
Refuse what the key of this session may not do; see identity.has_scope. A session without a key passes.

Arguments
  p_scope  read, write, delete or admin

Raises
  RQ008  no such scope
  RQ016  the key does not have it
$$;
