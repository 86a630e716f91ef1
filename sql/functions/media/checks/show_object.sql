create or replace function media.show_object(p_object_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_shown jsonb;
    v_found record;
    v_count bigint;
    v_used jsonb := '{}';
begin
    select to_jsonb(o) || jsonb_build_object('tenant', t.slug) into v_shown
    from media.objects as o
    left join identity.tenants as t on t.id = o.tenant_id
    where o.id = p_object_id and base.may_act_for(o.tenant_id) and identity.limited_to() is null;
    if v_shown is null then
        raise exception 'no object %', coalesce(p_object_id::text, 'null') using errcode = 'RQ004', hint = 'Look with: reelq store list, or media.list_objects().';
    end if;
    for v_found in select r.relation, r.column_name from media.object_references() as r loop
        execute format('select count(*) from %s as r where r.%I = $1', v_found.relation, v_found.column_name) into v_count using p_object_id;
        v_used := v_used || jsonb_build_object(v_found.relation, v_count + coalesce((v_used ->> v_found.relation)::bigint, 0));
    end loop;
    return v_shown || jsonb_build_object('references', v_used);
end;
$$;

comment on function media.show_object(uuid) is $$
All that the register knows of an object, and how many rows of which tables refer to it.

Raises
  RQ004  no such object, or not one that the caller may see
$$;
