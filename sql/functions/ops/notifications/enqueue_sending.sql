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
    -- All that the type says is filled in, so that queue.tg_fill_job, which lets no tenant enqueue jobs of these types, is not asked.
    if ops.is_offered('smtp') then
        insert into queue.processing_jobs (
            job_type, tenant_id, user_id, job_data, priority, max_attempts, max_crashes, weight, needs, limits, scheduled_for, on_parent_failure
        )
        select
            j.job_type, n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id),
            j.priority, j.max_attempts, j.max_crashes, j.weight, j.needs, queue.own_limits('{}', j.limits, n.tenant_id), base.clock(), 'fail'
        from ops.notifications as n
        inner join identity.tenants as t on t.id = n.tenant_id and t.status = 'active'
        inner join identity.users as u on u.id = n.user_id and u.email_verified
        inner join queue.job_types as j on j.job_type = 'send_email'
        where n.id = any(p_ids) and 'email' = any(n.channels);
    end if;
    if ops.is_offered('web_push') then
        insert into queue.processing_jobs (
            job_type, tenant_id, user_id, job_data, priority, max_attempts, max_crashes, weight, needs, limits, scheduled_for, on_parent_failure
        )
        select
            j.job_type, n.tenant_id, n.user_id, jsonb_build_object('notification_id', n.id, 'subscription_id', s.id),
            j.priority, j.max_attempts, j.max_crashes, j.weight, j.needs, queue.own_limits('{}', j.limits, n.tenant_id), base.clock(), 'fail'
        from ops.notifications as n
        inner join identity.tenants as t on t.id = n.tenant_id and t.status = 'active'
        inner join ops.push_subscriptions as s on s.user_id = n.user_id
        inner join queue.job_types as j on j.job_type = 'send_push'
        where n.id = any(p_ids) and 'push' = any(n.channels);
    end if;
end;
$$;

comment on function ops.enqueue_sending(uuid[]) is $$
Enqueue a mail for each of these notifications that is to be mailed, and a push for each browser of those that are to be pushed, where a worker offers it. The jobs hold
ids only: the words are read when they are sent.
$$;
