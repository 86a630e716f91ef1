create or replace function ops.enqueue_sending(p_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
begin
    -- A tenant that is suspended enqueues nothing: its users see the notification where they log in again. Only an address that was proved gets mail.
    if ops.is_offered('smtp') then
        insert into queue.processing_jobs (job_type, tenant_id, user_id, job_data)
        select 'send_email', n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id)
        from ops.notifications as n
        inner join identity.tenants as t on t.id = n.tenant_id and t.status = 'active'
        inner join identity.users as u on u.id = n.user_id and u.email_verified
        where n.id = any(p_ids) and 'email' = any(n.channels);
    end if;
    if ops.is_offered('web_push') then
        insert into queue.processing_jobs (job_type, tenant_id, user_id, job_data)
        select 'send_push', n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id, 'subscription_id', s.id)
        from ops.notifications as n
        inner join identity.tenants as t on t.id = n.tenant_id and t.status = 'active'
        inner join ops.push_subscriptions as s on s.user_id = n.user_id
        where n.id = any(p_ids) and 'push' = any(n.channels);
    end if;
end;
$$;

comment on function ops.enqueue_sending(uuid[]) is $$
Enqueue a mail for each of these notifications that is to be mailed, and a push for each browser of those that are to be pushed, where a worker offers it. The jobs hold
ids only: the words are read when they are sent.
$$;
