create or replace function ops.remove_push_subscription(p_endpoint text, p_user_id uuid default null)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users := ops.named_user(p_user_id);
begin
    delete from ops.push_subscriptions as s where s.user_id = v_user.id and s.endpoint = p_endpoint;
    return found;
end;
$$;

comment on function ops.remove_push_subscription(text, uuid) is $$
A browser takes no more notifications of a user, as after a log-out. Whether it did.

Arguments
  p_user_id  null: the user of reelq.user_id

Raises
  RQ004  no such user, or not one that the caller may see
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
