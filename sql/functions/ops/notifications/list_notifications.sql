create or replace function ops.list_notifications(
    p_user_id uuid default null, p_unread boolean default false, p_limit integer default 50, p_after uuid default null
)
returns table (
    id uuid, type text, title text, message text, action_url text, action_label text, created_at timestamptz, expires_at timestamptz,
    read_at timestamptz, email_sent_at timestamptz, push_sent_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
    v_user_id uuid := (ops.named_user(p_user_id, p_writes => false)).id;
    v_now timestamptz := base.clock();
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'p_limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The next page: p_after => the last id of this one.';
    end if;
    return query
    select
        n.id, n.type, n.title, n.message, n.action_url, n.action_label, n.created_at, n.expires_at, n.read_at, n.email_sent_at, n.push_sent_at
    from ops.notifications as n
    where
        n.user_id = v_user_id and 'in_app' = any(n.channels) and n.expires_at > v_now
        and (n.read_at is null or not p_unread) and (p_after is null or n.id < p_after)
    order by n.id desc
    limit p_limit;
end;
$$;

comment on function ops.list_notifications(uuid, boolean, integer, uuid) is $$
A user's notifications, newest first: those that have not expired.

Arguments
  p_user_id  null: the user of reelq.user_id
  p_unread   only those that were not read
  p_limit    1 to 1000
  p_after    the next page: the last id of the one before

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  p_limit is none
$$;
