create or replace function ops.count_rows_of_user(p_user_id uuid)
returns table (relation text, action text, rows bigint, reason text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    perform ops.check_subject(p_user_id);
    for relation, action, rows, reason in
        select r.relation, case when r.action in ('steps', 'with') then 'delete' else r.action end, 0, r.reason from ops.personal_rules() as r where to_regclass(r.relation) is not null order by r.step
    loop
        execute format('select count(*) from %s as t where %s', relation, (select r.finds from ops.personal_rules() as r where r.relation = count_rows_of_user.relation))
        into rows using p_user_id;
        return next;
    end loop;
    relation := 'objects';
    action := 'delete';
    rows := (select count(*) from ops.export_objects(p_user_id));
    reason := 'In the store. Those that somebody else has a share in stay.';
    return next;
end;
$$;

comment on function ops.count_rows_of_user(uuid) is $$
How many rows of a user there are by table, and what an erasure does with them. Changes nothing.

Returns
  action  delete, blank, redact or keep; see ops.personal_rules

Raises
  RQ004  no such user, or nobody whom the caller may see
$$;
