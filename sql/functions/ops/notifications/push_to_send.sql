create or replace function ops.push_to_send(p_job_id uuid, p_token integer)
returns table (
    not_sent_because text, notification_id uuid, subscription_id uuid, endpoint text, p256dh text, auth text, type text, title text, message text,
    action_url text, expires_at timestamptz
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
            when n.expires_at <= base.clock() then 'expired'
            when n.read_at is not null then 'read before'  -- mutant: what was read is pushed
            when u.deleted_at is not null or u.status not in ('active', 'trial') then 'user cannot log in'
            when not 'push' = any(ops.channels_of(u.id, n.type, n.channels)) then 'not wanted any more'
        end,
        n.id, s.id, s.endpoint, s.p256dh, s.auth, n.type, n.title, n.message, n.action_url, n.expires_at
    from ops.notifications as n
    inner join identity.users as u on u.id = n.user_id
    inner join ops.push_subscriptions as s on s.id = (v_job.job_data ->> 'subscription_id')::uuid and s.user_id = n.user_id  -- mutant: another user's browser is pushed to
    where n.id = (v_job.job_data ->> 'notification_id')::uuid and n.tenant_id = v_job.tenant_id;  -- mutant: another tenant's notification is pushed
end;
$$;

comment on function ops.push_to_send(uuid, integer) is $$
What a running job send_push has to send, and where to, read at the last moment and under its fencing token. No row: the notification or the subscription is gone, or the browser is
another user's now.

Returns
  not_sent_because  null: send it; else it is not to be sent, and why

Raises
  RQ001  lease lost
  RQ002  the caller is not READ COMMITTED
$$;
