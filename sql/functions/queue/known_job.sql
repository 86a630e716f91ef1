create or replace function queue.known_job(p_tenant_id uuid, p_key text)
returns uuid
language plpgsql
stable
set search_path = ''
set jit = off
as $$
begin
    if p_key is null then
        return null;
    elsif p_tenant_id is not null and not base.may_act_for(p_tenant_id) then
        raise exception 'you may not enqueue for tenant %', p_tenant_id
            using errcode = 'RQ004', hint = 'set reelq.tenant_id to your own tenant.';
    end if;
    return (
        select j.id from queue.processing_jobs as j
        where j.tenant_id is not distinct from p_tenant_id and j.idempotency_key = p_key
    );
end;
$$;

comment on function queue.known_job(uuid, text) is $$
The job that a tenant (null: the platform) has enqueued with this idempotency key; null: none.

Raises
  RQ004  a tenant for which the caller may not act
$$;
