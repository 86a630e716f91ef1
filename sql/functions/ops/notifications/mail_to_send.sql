create or replace function ops.mail_to_send(p_job_id uuid, p_token integer)
returns table (
    not_sent_because text, notification_id uuid, send_to text, type text, title text, message text, action_url text, action_label text,
    tenant text, created_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_job queue.processing_jobs := queue.lock_running_job(p_job_id, p_token);
begin
    return query
    select
        case
            when n.email_sent_at is not null then 'sent before'
            when n.expires_at <= base.clock() then 'expired'
            when u.deleted_at is not null or u.status not in ('active', 'trial') then 'user cannot log in'
            when not u.email_verified then 'address not proved'  -- mutant: an address that was not proved gets mail
            when not 'email' = any(ops.channels_of(u.id, n.type, n.channels)) then 'not wanted any more'
        end,
        n.id, u.email, n.type, n.title, n.message, n.action_url, n.action_label, coalesce(t.name, t.slug), n.created_at
    from ops.notifications as n
    inner join identity.users as u on u.id = n.user_id
    inner join identity.tenants as t on t.id = n.tenant_id
    where n.id = (v_job.job_data ->> 'notification_id')::uuid and n.tenant_id = v_job.tenant_id;  -- mutant: another tenant's notification is mailed
end;
$$;

comment on function ops.mail_to_send(uuid, integer) is $$
What a running job send_email has to mail, read at the last moment and under its fencing token. No row: the notification is gone.

Returns
  not_sent_because  null: send it; else it is not to be sent, and why

Raises
  RQ001  lease lost
  RQ002  the caller is not READ COMMITTED
$$;
