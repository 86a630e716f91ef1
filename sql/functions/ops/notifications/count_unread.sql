create or replace function ops.count_unread(p_user_id uuid default null)
returns bigint
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
    v_user_id uuid := (ops.named_user(p_user_id, p_writes => false)).id;
begin
    return (
        select count(*) from ops.notifications as n
        where n.user_id = v_user_id and n.read_at is null and 'in_app' = any(n.channels) and n.expires_at > base.clock()
    );
end;
$$;

comment on function ops.count_unread(uuid) is $$
How many notifications a user has not read; those that have expired do not count.

Arguments
  p_user_id  null: the user of reelq.user_id

Raises
  RQ004  no such user, or not one that the caller may see
$$;
