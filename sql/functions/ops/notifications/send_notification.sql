create or replace function ops.send_notification(
    p_user_id uuid,
    p_title text,
    p_message text,
    p_action_url text default null,
    p_action_label text default null,
    p_type text default 'notice.sent',
    p_expires_at timestamptz default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user identity.users;
    v_type ops.event_types;
    v_channels text[];
    v_id uuid;
    v_constraint text;
begin
    perform base.check_read_committed();
    v_user := ops.named_user(p_user_id);
    if not identity.sees_whole_tenant() then
        raise exception 'only an admin of the tenant may send notifications' using errcode = 'RQ016', hint = 'Without reelq.user_id a session is the tenant itself.';
    end if;
    select t.* into v_type from ops.event_types as t where t.name = p_type;
    if v_type.name is null then
        raise exception 'type must be one of ops.event_types, not %', coalesce(quote_literal(left(p_type, 100)), 'null')
            using errcode = 'RQ008', hint = 'Leave it out, or have the owner add a row to ops.event_types.';
    end if;
    if p_expires_at >= '9000-01-01' then  -- mutant: a notification ends when no program can read it
        raise exception 'expiry must be before the year 9000, not %', p_expires_at using errcode = 'RQ008', hint = 'Leave it out for as long as the type says.';
    end if;
    perform identity.check_tenant(v_user.tenant_id);
    v_channels := ops.channels_of(v_user.id, v_type.name, v_type.channels);
    if v_channels = '{}' then
        return null;
    end if;
    insert into ops.notifications (tenant_id, user_id, type, title, message, action_url, action_label, channels, expires_at)
    values (
        v_user.tenant_id, v_user.id, v_type.name, p_title, p_message, p_action_url, p_action_label, v_channels,
        coalesce(p_expires_at, base.clock() + v_type.lives)
    )
    returning id into v_id;
    perform ops.enqueue_sending(array[v_id]);
    return v_id;
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'a notification must have what it is made of in its bounds: %', replace(coalesce(nullif(v_constraint, ''), 'title and message are given'), '_', ' ')
            using errcode = 'RQ008', hint = $hint$See \d+ ops.notifications. Titles and labels are one line; a link is http, https, or a path that begins with one /.$hint$;
end;
$$;

comment on function ops.send_notification(uuid, text, text, text, text, text, timestamptz) is $$
Tell a user something, in this transaction; by which channels they and ops.event_types say. For the tenant itself, its admins, and operators.

Arguments
  p_title         a line of 1 to 255 characters
  p_message       plain text of 1 to 4,000 characters
  p_action_url    null: no link; else http(s), or a path within the application, as /billing
  p_action_label  what the link says
  p_type          a name of ops.event_types
  p_expires_at    null: after the time that the type says

Returns  the notification's id; null: the user wants to hear of this by no channel

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such user, or not one that the caller may see
  RQ008  no such type, or a value is out of its bounds
  RQ012  the tenant is suspended or deleted
  RQ016  the caller's role, or the key's scope, does not allow it
$$;
