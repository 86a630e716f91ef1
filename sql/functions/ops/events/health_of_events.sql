create or replace function ops.health_of_events()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_now timestamptz := base.clock();
    v_oldest timestamptz := (select o.created_at from ops.outbox as o order by o.seq limit 1);
    v_is_well boolean := true;
    v_row record;
begin
    if v_oldest < v_now - interval '1 minute' then
        return query
        select
            'events', case when v_oldest < v_now - interval '1 hour' then 'bad' else 'warn' end,
            format('The oldest event has waited in the outbox for %s.', base.format_interval(v_now - v_oldest)),
            'Workers relay events; is one running? By hand, which also shows an error: reelq events relay';
        v_is_well := false;
    end if;
    for v_row in
        select w.id, t.slug, w.last_error, w.failing_since from ops.webhooks as w left join identity.tenants as t on t.id = w.tenant_id
        where w.failing_since is not null and w.status = 'active' order by w.failing_since limit 10
    loop
        return query
        select
            'events', 'warn',
            format('The webhook %s of %s has been failing for %s: %s.', v_row.id, coalesce(v_row.slug, 'the operators'), base.format_interval(v_now - v_row.failing_since), v_row.last_error),
            format('Its deliveries wait until it answers. reelq webhooks show %s', v_row.id);
        v_is_well := false;
    end loop;
    -- The relay makes a month that is missing, and whoever tells something meanwhile may wait for it. The rest of the upkeep is likely not done either.
    for v_row in
        select t.name, (select max(p.until) from base.partitions(t.name::regclass) as p where not p.detaching) as until
        from unnest(array['ops.events', 'ops.webhook_deliveries']) as t (name)
    loop
        if v_row.until is null or v_row.until <= v_now + interval '1 day' then  -- mutant: nobody looks at the months of the events
            return query
            select
                'partitions', 'warn',
                case when v_row.until is null then v_row.name || ' has no partition' else format('The partitions of %s reach until %s', v_row.name, v_row.until) end,
                'reelq partitions maintain, hourly: docs/operate.md, Upkeep.';
        else
            return query select 'partitions', 'ok', format('The partitions of %s reach until %s', v_row.name, v_row.until), null::text;
        end if;
    end loop;
    if v_is_well then
        return query select 'events', 'ok', 'Events are relayed, and no endpoint fails.', null::text;
    end if;
end;
$$;

comment on function ops.health_of_events() is $$
Part of ops.health: events that nobody relays, endpoints that fail, and whether there is a partition for the days to come.
$$;
