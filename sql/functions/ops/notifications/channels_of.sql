create or replace function ops.channels_of(p_user_id uuid, p_type text, p_default text[])
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(c.channel order by c.place) filter (where coalesce(one.is_on, every.is_on, c.channel = any(p_default))), '{}')
    from unnest(array['in_app', 'email', 'push']) with ordinality as c (channel, place)
    left join ops.notification_settings as one on one.user_id = p_user_id and one.type = p_type and one.channel = c.channel
    left join ops.notification_settings as every on every.user_id = p_user_id and every.type = '*' and every.channel = c.channel;
$$;

comment on function ops.channels_of(uuid, text, text[]) is $$
By which channels a user is told of a type: what they chose for it, else what they chose for all, else the default of the type.
$$;
