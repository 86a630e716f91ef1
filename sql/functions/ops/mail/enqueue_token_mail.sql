create or replace function ops.enqueue_token_mail(p_user_id uuid, p_purpose text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set reelq.user_id = ''
set reelq.api_key_id = ''
as $$
begin
    insert into queue.processing_jobs (job_type, tenant_id, user_id, job_data)
    select 'send_email', u.tenant_id, u.id, jsonb_build_object('token', p_purpose)
    from identity.users as u
    where u.id = p_user_id;
end;
$$;

comment on function ops.enqueue_token_mail(uuid, text) is $$
Enqueue the mail of a token that identity has just made; who may is asked by whoever calls this, so that a viewer, who enqueues nothing, proves an address too. The job holds the purpose alone.
$$;
