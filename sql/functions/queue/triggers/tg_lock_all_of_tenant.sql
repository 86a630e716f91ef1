create or replace function queue.tg_lock_all_of_tenant()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    -- The row itself is locked already. The cascades that follow go by the order in which their tables were made, and by their plans.
    perform from media.videos as v where v.tenant_id = old.id order by v.id for update;  -- mutant: a tenant is deleted asset first
    perform from media.assets as a where a.tenant_id = old.id order by a.id for update;
    perform from queue.processing_jobs as j where j.tenant_id = old.id order by j.id for update;
    return old;
end;
$$;

comment on function queue.tg_lock_all_of_tenant() is $$
Trigger before delete on identity.tenants: locks the videos, the assets and the jobs that go with the tenant, in the order that all functions
keep. See docs/design/locks.md.
$$;

create or replace trigger lock_all_of_tenant
before delete on identity.tenants
for each row execute function queue.tg_lock_all_of_tenant();
