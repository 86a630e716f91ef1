create or replace function queue.find_by_idempotency_key(p_tenant_id uuid, p_key text)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
    if p_key is null then
        return null;
    elsif not base.may_act_for(p_tenant_id) then  -- mutant: a key of somebody else's is found
        raise exception 'tenant must be your own, not %', coalesce(p_tenant_id::text, 'null')
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    -- Two queries, as no index serves `is not distinct from`. Jobs first: a job may move to the history in between, never back.
    if p_tenant_id is null then
        return coalesce(
            (select j.id from queue.processing_jobs as j where j.tenant_id is null and j.idempotency_key = p_key),
            (select h.id from queue.job_history as h where h.tenant_id is null and h.idempotency_key = p_key limit 1)
        );
    end if;
    return coalesce(
        (select j.id from queue.processing_jobs as j where j.tenant_id = p_tenant_id and j.idempotency_key = p_key),
        (select h.id from queue.job_history as h where h.tenant_id = p_tenant_id and h.idempotency_key = p_key limit 1)
    );
end;
$$;

comment on function queue.find_by_idempotency_key(uuid, text) is $$
The job that a tenant (null: the platform) has enqueued with this idempotency key, also one that is over and in the history; null: none.

Raises
  RQ004  a tenant for which the caller may not act
$$;
