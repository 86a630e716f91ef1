create or replace function ops.token_to_mail(p_job_id uuid, p_token integer)
returns table (purpose text, token text, send_to text, expires_at timestamptz, tenant text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_job queue.processing_jobs := queue.lock_running_job(p_job_id, p_token);
    v_new text := identity.new_token('rqt');
begin
    return query
    update identity.one_time_tokens as o
    set token_hash = identity.token_hash(v_new)
    from identity.users as u, identity.tenants as t
    where
        o.user_id = v_job.user_id and o.tenant_id = v_job.tenant_id and o.purpose = v_job.job_data ->> 'token'
        and o.used_at is null and o.expires_at > base.clock()  -- mutant: a token that has ended is mailed
        and u.id = o.user_id and u.deleted_at is null and u.status in ('active', 'trial') and t.id = o.tenant_id
    returning o.purpose, v_new, o.email, o.expires_at, coalesce(t.name, t.slug);
end;
$$;

comment on function ops.token_to_mail(uuid, integer) is $$
Make the token that a running job send_email mails, in the place of the one that was made when it was asked for and told to nobody. So it stands in no job and in no table: its
hash alone. Another try makes another, and what was mailed before is void. It ends when the first would have ended.

Returns  no row: it was used, replaced by a newer request or is too old, or its user cannot log in

Raises
  RQ001  lease lost
  RQ002  the caller is not READ COMMITTED
$$;
