create or replace function ops.enqueue_token_mail(p_user_id uuid, p_purpose text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text := coalesce(current_setting('reelq.user_id', true), '');
    v_key text := coalesce(current_setting('reelq.api_key_id', true), '');
begin
    -- For a moment the tenant acts. Not by SET of the function, which an owner who is no superuser may not write.
    perform set_config('reelq.user_id', '', true), set_config('reelq.api_key_id', '', true);
    -- All that the type says is filled in, so that queue.tg_fill_job, which lets no tenant enqueue jobs of this type, is not asked.
    insert into queue.processing_jobs (
        job_type, tenant_id, user_id, job_data, priority, max_attempts, max_crashes, weight, needs, limits, scheduled_for, on_parent_failure
    )
    select
        t.job_type, u.tenant_id, u.id, jsonb_build_object('token', p_purpose), t.priority, t.max_attempts, t.max_crashes, t.weight, t.needs,
        queue.own_limits('{}', t.limits, u.tenant_id), base.clock(), 'fail'
    from identity.users as u
    inner join queue.job_types as t on t.job_type = 'send_email'
    where u.id = p_user_id;
    perform set_config('reelq.user_id', v_user, true), set_config('reelq.api_key_id', v_key, true);
end;
$$;

comment on function ops.enqueue_token_mail(uuid, text) is $$
Enqueue the mail of a token that identity has just made; who may is asked by whoever calls this, so that a viewer, who enqueues nothing, proves an address too. The job holds the purpose alone.
$$;
