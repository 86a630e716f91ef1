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
    -- All that the type says is filled in, so that queue.tg_fill_job, which lets no tenant enqueue jobs of these types, is not asked:
    -- a tenant and its admins notify their users too.
    insert into queue.processing_jobs (
        job_type, tenant_id, user_id, job_data, priority, max_attempts, max_crashes, weight, needs, limits, scheduled_for, on_parent_failure
    )
    select
        y.job_type, s.tenant_id, s.user_id, s.job_data, y.priority, y.max_attempts, y.max_crashes, y.weight, y.needs,  -- mutant: a tenant's own notifications are not sent
        queue.own_limits('{}', y.limits, s.tenant_id), base.clock(), 'fail'
    from (
        select 'send_email' as job_type, n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id) as job_data
        from ops.notifications as n
        inner join identity.users as u on u.id = n.user_id and u.email_verified
        where n.id = any(p_ids) and 'email' = any(n.channels) and ops.is_offered('smtp')
        union all
        select 'send_push', n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id, 'subscription_id', p.id)
        from ops.notifications as n
        inner join ops.push_subscriptions as p on p.user_id = n.user_id
        where n.id = any(p_ids) and 'push' = any(n.channels) and ops.is_offered('web_push')
    ) as s
    inner join identity.tenants as t on t.id = s.tenant_id and t.status = 'active'
    inner join queue.job_types as y on y.job_type = s.job_type;
end;
$$;

comment on function ops.enqueue_sending(uuid[]) is $$
Enqueue a mail for each of these notifications that is to be mailed, and a push for each browser of those that are to be pushed, where a worker offers it. The jobs hold
ids only: the words are read when they are sent.
$$;
