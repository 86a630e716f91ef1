create or replace function ops.add_push_subscription(p_endpoint text, p_p256dh text, p_auth text, p_device text default null, p_user_id uuid default null)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users := ops.named_user(p_user_id);
    v_id uuid;
    v_constraint text;
begin
    -- Who logs in where another logged out has the same browser: it is theirs from now on, and the other's no more.
    insert into ops.push_subscriptions as s (tenant_id, user_id, endpoint, p256dh, auth, device)
    values (v_user.tenant_id, v_user.id, p_endpoint, rtrim(p_p256dh, '='), rtrim(p_auth, '='), left(p_device, 100))
    on conflict (tenant_id, endpoint) do update
    set user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth, device = excluded.device
    returning s.id into v_id;
    -- A browser that is set up anew leaves its old one behind: twenty are more than anybody uses.
    delete from ops.push_subscriptions as s
    where s.user_id = v_user.id and s.id in (
        select o.id from ops.push_subscriptions as o where o.user_id = v_user.id and o.id <> v_id order by o.created_at desc offset 19
    );
    return v_id;
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'a push subscription must be what a browser gives: %', replace(coalesce(nullif(v_constraint, ''), 'endpoint, p256dh and auth are given'), '_', ' ')
            using errcode = 'RQ008', hint = 'Take endpoint, keys.p256dh and keys.auth of PushSubscription.toJSON().';
end;
$$;

comment on function ops.add_push_subscription(text, text, text, text, uuid) is $$
A browser takes notifications of a user: what PushSubscription.toJSON() gives there. Safe to call at each visit. Of a user the latest twenty are kept. An endpoint is an address that somebody
gave: workers connect to none that is private.

Arguments
  p_device   what the device is called
  p_user_id  null: the user of reelq.user_id

Returns  the subscription's id

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  it is none that a browser gives
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
