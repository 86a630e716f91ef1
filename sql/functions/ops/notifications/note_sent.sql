create or replace function ops.note_sent(p_notification_id uuid, p_channel text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.notifications as n
    set
        email_sent_at = case when p_channel = 'email' then coalesce(n.email_sent_at, base.clock()) else n.email_sent_at end,
        push_sent_at = case when p_channel = 'push' then coalesce(n.push_sent_at, base.clock()) else n.push_sent_at end
    where n.id = p_notification_id and base.may_act_for(n.tenant_id);
end;
$$;

comment on function ops.note_sent(uuid, text) is $$
A notification was taken by a mail server or a push service. For workers, in the transaction that completes the job, behind its fence.

Arguments
  p_channel  email or push
$$;
