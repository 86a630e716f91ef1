create or replace function ops.mark_read(p_ids uuid[], p_user_id uuid default null)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid := (ops.named_user(p_user_id)).id;
    v_count integer;
begin
    -- In the order of ids, so that two that mark all do not wait for each other. No ids: all.
    update ops.notifications as n
    set read_at = base.clock()
    where
        n.id = any(array(
            select o.id from ops.notifications as o
            where o.user_id = v_user_id and o.read_at is null and (p_ids is null or o.id = any(p_ids))
            order by o.id for no key update
        ))
        and n.read_at is null;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function ops.mark_read(uuid[], uuid) is $$
A user has read notifications. Ids that are not theirs change nothing. Returns how many were unread.

Arguments
  p_ids      which; null: all
  p_user_id  null: the user of reelq.user_id

Raises
  RQ004  no such user, or not one that the caller may see
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
