create or replace function ops.events_after(p_after bigint default null, p_limit integer default 100, p_tenant_id uuid default null)
returns table (
    relay_position bigint, event_id uuid, event_type text, ordering_key text, data jsonb, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_tenant_id uuid := coalesce(p_tenant_id, base.current_tenant());
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'p_limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The next page: p_after => the last relay_position of this one.';
    end if;
    -- Events are the tenant's as a whole: its admins see them, other users what they are notified of.
    if v_tenant_id is null or not base.may_act_for(v_tenant_id) or not identity.sees_whole_tenant() then
        return;
    end if;
    return query
    select e.relay_position, e.event_id, e.event_type, e.ordering_key, e.data, e.created_at
    from ops.events as e
    where e.tenant_id = v_tenant_id and e.relay_position > coalesce(p_after, 0)
    order by e.relay_position
    limit p_limit;
end;
$$;

comment on function ops.events_after(bigint, integer, uuid) is $$
Events of a tenant behind a position, in the order in which they were passed on. Nothing is left out: whoever keeps the last relay_position that they have
dealt with, and asks again with it, sees every event once, whenever its transaction began or ended, for as long as events are kept (30 days,
ops.partition_policies). NOTIFY (docs/embed.md) only says that it is time to ask.

Arguments
  p_after      the last relay_position seen; null: from the oldest that is kept
  p_limit      1 to 1000
  p_tenant_id  null: the tenant of reelq.tenant_id

Raises
  RQ008  p_limit is none
$$;
