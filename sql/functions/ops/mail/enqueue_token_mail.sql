create or replace function ops.enqueue_token_mail(p_user_id uuid, p_purpose text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most constant integer := 5;
    v_token identity.one_time_tokens;
    v_user text := coalesce(current_setting('reelq.user_id', true), '');
    v_key text := coalesce(current_setting('reelq.api_key_id', true), '');
begin
    -- A reset goes to the account's own address, and not so soon after the last. The others go to any address that a tenant names, also again and again, for
    -- accounts that it makes and deletes. By tenant, so that none keeps another's mails from being sent, nor learns of them.
    if p_purpose <> 'reset_password' then
        select o.* into v_token from identity.one_time_tokens as o where o.user_id = p_user_id and o.purpose = p_purpose and o.used_at is null;
        perform from identity.tenants as t where t.id = v_token.tenant_id for no key update;  -- mutant: many at once are mailed to one address
        if (
            select count(*) from ops.token_mails as m
            where m.tenant_id = v_token.tenant_id and lower(m.email) = lower(v_token.email) and m.created_at > base.clock() - interval '1 hour'
        ) >= v_most then  -- mutant: an address is flooded with tokens
            raise exception 'mails with a token to one address must be % an hour at most', v_most
                using errcode = 'RQ015', hint = 'What was mailed before is good still.', detail = 3600;
        end if;
        insert into ops.token_mails (tenant_id, user_id, email) values (v_token.tenant_id, p_user_id, v_token.email);
    end if;
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

Raises
  RQ015  five were mailed to the address within an hour, resets not counted
$$;
