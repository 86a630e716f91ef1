create or replace function ops.unshared_objects(p_object_ids uuid[], p_asset_ids uuid[])
returns setof uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_conditions text;
begin
    perform media.check_references();
    select
        string_agg(
            format(
                ' and not exists (select from %s as r where r.%I = o.id%s)', f.relation, f.column_name,
                case f.relation when 'media.assets' then ' and r.id <> all($2)' when 'media.variants' then ' and r.asset_id <> all($2)' else '' end
            ), ''
        )
    into v_conditions
    from media.object_references() as f;
    return query execute 'select o.id from unnest($1) as o (id) where true' || v_conditions using p_object_ids, p_asset_ids;
end;
$$;

comment on function ops.unshared_objects(uuid[], uuid[]) is $$
Which of these objects nothing refers to but these files and what was made of them.

Raises
  RQ009  references may be missed, see media.check_references
$$;
