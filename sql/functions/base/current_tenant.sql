create or replace function base.current_tenant()
returns uuid
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text := nullif(current_setting('reelq.tenant_id', true), '');
begin
    if v_text is null then
        return null;
    end if;

    if v_text !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then
        raise exception 'setting reelq.tenant_id must be a uuid, not %', quote_literal(left(v_text, 80))
            using errcode = 'RQ008', hint = 'Use: select set_config(''reelq.tenant_id'', ''<id of a row of identity.tenants>'', true).';
    end if;

    return v_text::uuid;
end;
$$;

comment on function base.current_tenant() is $$
The tenant that this session acts for: the setting reelq.tenant_id.

Returns null when the setting is missing or empty, and the row policies then show
nothing. Set it per transaction (set local), so that a pooled connection forgets it.

Raises
  RQ008  the setting is not a uuid
$$;
