create or replace function base.current_tenant()
returns uuid
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text := current_setting('reelq.tenant_id', true);
begin
    -- As it is nearly always written. Every policy asks this: with one pattern for all spellings it takes five times as long.
    if v_text like '________-____-____-____-____________'
        and v_text collate "C" ~ '^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$'
    then
        return v_text::uuid;
    end if;
    if v_text is null or v_text = '' then
        return null;
    end if;

    if v_text !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$' then
        -- For a trusted caller no tenant means every tenant, so that a slip has to be told. Anybody else has named none.
        if not base.is_trusted() then  -- mutant: nonsense for a tenant is told
            return null;
        end if;
        raise exception 'setting reelq.tenant_id must be a uuid, not %', quote_literal(left(v_text, 80))
            using errcode = 'RQ008', hint = 'Use: select set_config(''reelq.tenant_id'', ''<id of a row of identity.tenants>'', true).';
    end if;

    return v_text::uuid;
end;
$$;

comment on function base.current_tenant() is $$
The tenant that this session acts for: the setting reelq.tenant_id.

Returns null when the setting is missing, empty or no uuid, and the row policies then show
nothing. Set it per transaction (set local), so that a pooled connection forgets it.

Raises
  RQ008  the setting is no uuid, and the caller is the owner or a worker, for whom none would mean every tenant
$$;
