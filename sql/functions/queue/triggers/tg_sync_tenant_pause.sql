create or replace function queue.tg_sync_tenant_pause()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and new.status <> 'active' then
        insert into queue.pauses (scope, key, reason)
        values ('suspended', new.id, format('The tenant is %s.', new.status))
        on conflict (scope, key) do update set reason = excluded.reason;
        return null;
    end if;
    delete from queue.pauses as p where p.scope = 'suspended' and p.key = old.id::text;
    if found then
        insert into queue.gate_events (gate, permits) values ('pause:suspended:' || old.id, 0);
    end if;
    if tg_op = 'DELETE' then
        delete from queue.pauses as p where p.scope = 'tenant' and p.key = old.id::text;
        delete from queue.limits as l where l.limit_key = 'tenant:' || old.id or starts_with(l.limit_key, 'name:' || old.id || '/');
    end if;
    return null;
end;
$$;

comment on function queue.tg_sync_tenant_pause() is $$
Trigger after a change of identity.tenants: the jobs of a tenant that is not active are held, and its pauses and limits go with it.
$$;

create or replace trigger sync_tenant_pause
after update of status or delete on identity.tenants
for each row execute function queue.tg_sync_tenant_pause();
