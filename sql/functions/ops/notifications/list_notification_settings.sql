create or replace function ops.list_notification_settings(p_user_id uuid default null)
returns table (type text, about text, in_app boolean, email boolean, push boolean, chosen text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid := (ops.named_user(p_user_id, p_writes => false)).id;
begin
    return query
    select
        t.name, t.about, 'in_app' = any(c.channels), 'email' = any(c.channels), 'push' = any(c.channels),
        array(select s.channel from ops.notification_settings as s where s.user_id = v_user_id and s.type in (t.name, '*') group by s.channel order by s.channel)
    from ops.event_types as t
    cross join lateral (select ops.channels_of(v_user_id, t.name, t.channels) as channels) as c
    where t.audience = 'tenant'
    order by t.name;
end;
$$;

comment on function ops.list_notification_settings(uuid) is $$
By which channels a user is told of what.

Arguments
  p_user_id  null: the user of reelq.user_id

Returns
  chosen  the channels about which they have chosen, for this type or for all; else it is the default

Raises
  RQ004  no such user, or not one that the caller may see
$$;
