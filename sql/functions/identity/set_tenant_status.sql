create or replace function identity.set_tenant_status(p_tenant text, p_status text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_read_committed();
    if p_status is null or p_status not in ('active', 'suspended', 'deleted') then
        raise exception 'status must be active, suspended or deleted, not %', coalesce(quote_literal(left(p_status, 80)), 'null')
            using errcode = 'RQ008', hint = 'suspended: nothing is accepted and no job starts; deleted: the same, until its data is removed.';
    end if;
    update identity.tenants as t set status = p_status where t.id = identity.find_tenant(p_tenant) and t.status is distinct from p_status;
end;
$$;

comment on function identity.set_tenant_status(text, text) is $$
Suspend a tenant, mark it deleted, or make it active again. Nothing is accepted for a tenant that is not active, and none of its jobs
starts; running jobs go on. For operators.

Arguments
  p_tenant  slug or id

Raises
  RQ002  the transaction is not READ COMMITTED
  RQ004  no such tenant
  RQ008  unknown status
$$;
