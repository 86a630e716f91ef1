create or replace function media.find_bundle(p_bundle text)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_found uuid[];
begin
    v_found := array(
        select b.id from media.bundles as b
        where (b.id::text = lower(p_bundle) or (b.name = p_bundle and b.ended_at is null)) and base.may_act_for(b.tenant_id)  -- mutant: another tenant's bundle is found
        limit 2
    );
    if cardinality(v_found) = 1 then
        return v_found[1];
    elsif cardinality(v_found) > 1 then
        raise exception 'bundle % must be named by its id: two tenants have one of this name', quote_literal(left(p_bundle, 80))
            using errcode = 'RQ008', hint = 'Look with: reelq bundles list. Or act for the tenant: --tenant SLUG.';
    end if;
    raise exception 'no bundle %', coalesce(quote_literal(left(p_bundle, 80)), 'null') using errcode = 'RQ004', hint = 'Look with: reelq bundles list, or media.list_bundles().';
end;
$$;

comment on function media.find_bundle(text) is $$
The id of a bundle by its id, or by its name where it was not ended and no other tenant that the caller may act for has one of that name.

Raises
  RQ004  no such bundle
  RQ008  two tenants have one of this name
$$;
