create or replace function ops.set_notification_setting(p_channel text, p_is_on boolean, p_type text default '*', p_user_id uuid default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users := ops.named_user(p_user_id);
begin
    if (p_channel in ('in_app', 'email', 'push')) is not true then
        raise exception 'channel must be in_app, email or push, not %', coalesce(quote_literal(left(p_channel, 80)), 'null') using errcode = 'RQ008', hint = 'Choose one of these.';
    end if;
    if p_type is null or (p_type <> '*' and not exists (select from ops.event_types as t where t.name = p_type)) then
        raise exception 'type must be * or one of ops.event_types, not %', coalesce(quote_literal(left(p_type, 100)), 'null')
            using errcode = 'RQ008', hint = 'See: select name, about from ops.event_types.';
    end if;
    if p_is_on is null then
        delete from ops.notification_settings as s where s.user_id = v_user.id and s.type = p_type and s.channel = p_channel;
        return;
    end if;
    insert into ops.notification_settings as s (tenant_id, user_id, type, channel, is_on)
    values (v_user.tenant_id, v_user.id, p_type, p_channel, p_is_on)
    on conflict (user_id, type, channel) do update set is_on = excluded.is_on;
end;
$$;

comment on function ops.set_notification_setting(text, boolean, text, uuid) is $$
A user chooses whether to be told by a channel.

Arguments
  p_channel  in_app, email or push
  p_is_on    null: as the type has it by itself
  p_type     of what, a name of ops.event_types; *: of all for which they have chosen nothing
  p_user_id  null: the user of reelq.user_id

Raises
  RQ004  no such user, or not one that the caller may see
  RQ008  no such channel or type
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
