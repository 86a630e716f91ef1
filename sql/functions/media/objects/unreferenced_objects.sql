create or replace function media.unreferenced_objects(p_object_ids uuid[])
returns setof uuid
language plpgsql
volatile
security definer
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
    select string_agg(format(' and not exists (select from %s as r where r.%I = o.id)', f.relation, f.column_name), '')
    into v_conditions
    from media.object_references() as f;
    return query execute 'select o.id from unnest($1) as o (id) where true' || coalesce(v_conditions, '') using p_object_ids;
end;
$$;

comment on function media.unreferenced_objects(uuid[]) is $$
Which of these objects nothing refers to (media.object_references). Sees what is committed when it is called: to delete one, lock its row `for update` first, which
waits for whoever is about to refer to it (media.use_object), and then ask.

Raises
  RQ009  references may be missed, see media.check_references
$$;
