create or replace function queue.hold_owner_of_schedule(p_schedule queue.schedules)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if num_nonnulls(p_schedule.tenant_id, p_schedule.video_id) = 0 then
        return true;
    end if;
    perform from identity.tenants as t
    where t.id = coalesce(p_schedule.tenant_id, (select v.tenant_id from media.videos as v where v.id = p_schedule.video_id))
    for key share skip locked;
    if not found or p_schedule.video_id is null then
        return found;
    end if;
    perform from media.videos as v where v.id = p_schedule.video_id for key share skip locked;  -- mutant: a tick waits for its video
    return found;
end;
$$;

comment on function queue.hold_owner_of_schedule(queue.schedules) is $$
Keep the tenant and the video of a schedule from being deleted until the transaction ends, without waiting for anybody. False: another session holds one
of them.
$$;
