create or replace function ops.route_to_webhooks(p_seqs bigint[], p_webhook_id uuid default null, p_ids uuid[] default null)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set work_mem = '32MB'
as $$
declare
    v_now timestamptz := base.clock();
    v_type queue.job_types%rowtype;
    v_webhooks uuid[];
    v_places integer[];
    v_ids uuid[] := p_ids;
begin
    -- Most databases have no endpoints, and pay one look for it.
    if p_webhook_id is null and not exists (select from ops.webhooks) then
        return 0;
    end if;
    with told as materialized (
        select s.place::integer as place, e.tenant_id, e.event_type
        from unnest(p_seqs) with ordinality as s (seq, place)
        inner join ops.events as e on e.seq = s.seq
        where e.seq between p_seqs[1] and p_seqs[cardinality(p_seqs)]
    ),
    known as materialized (
        -- An operators' event is for nobody's endpoint but theirs, and so is a type that nobody knows.
        select d.event_type, ops.filters_of(d.event_type) as filters, coalesce(t.audience = 'tenant', false) as is_for_tenants
        from (select distinct o.event_type from told as o) as d
        left join ops.event_types as t on t.name = d.event_type
    )
    select array_agg(w.id order by o.place, w.id), array_agg(o.place order by o.place, w.id) into v_webhooks, v_places
    from told as o
    inner join known as k on k.event_type = o.event_type
    cross join lateral (
        select own.id, own.events
        from ops.webhooks as own
        where
            own.tenant_id = o.tenant_id and own.status = 'active' and k.is_for_tenants  -- mutant: a tenant hears what is for operators
            -- Of a suspended tenant no job is taken; its events can be replayed.
            and exists (select from identity.tenants as t where t.id = o.tenant_id and t.status = 'active')  -- mutant: a suspended tenant stops the relay
        union all
        select own.id, own.events from ops.webhooks as own where o.tenant_id is null and own.tenant_id is null and own.status = 'active'
    ) as w
    where w.events && k.filters and (p_webhook_id is null or w.id = p_webhook_id);
    if v_webhooks is null then
        return 0;
    end if;

    perform ops.ensure_partition('ops.webhook_deliveries', v_now);  -- mutant: a delivery in a month without a partition stops the relay
    v_ids := coalesce(v_ids[:cardinality(v_webhooks)], base.uuids_v7(cardinality(v_webhooks)));
    select t.* into strict v_type from queue.job_types as t where t.job_type = 'deliver_webhook';
    with chosen as materialized (
        select
            c.job_id, c.webhook_id, e.seq, e.event_id, e.event_type, e.ordering_key, e.data, e.created_at,
            lag(c.job_id) over (partition by c.webhook_id, e.ordering_key order by c.job_id) as before
        from unnest(v_ids, v_webhooks, v_places) as c (job_id, webhook_id, place)
        inner join ops.events as e on e.seq = p_seqs[c.place]
        where e.seq between p_seqs[1] and p_seqs[cardinality(p_seqs)]
    ),
    noted as (
        insert into ops.webhook_deliveries (webhook_id, job_id, seq, event_id, event_type, ordering_key, created_at)
        select c.webhook_id, c.job_id, c.seq, c.event_id, c.event_type, c.ordering_key, v_now from chosen as c
    ),
    placed as (
        select
            c.*, w.tenant_id, w.max_running,
            -- The newest that is not over. An operator may have cancelled the newest of all, so a few are looked at.
            coalesce(c.before, (
                select j.id
                from (
                    select d.job_id from ops.webhook_deliveries as d
                    where d.webhook_id = c.webhook_id and d.ordering_key = c.ordering_key and d.created_at > v_now - interval '40 days'
                    order by d.job_id desc limit 20
                ) as d
                inner join queue.processing_jobs as j on j.id = d.job_id
                where j.status in ('queued', 'running')  -- mutant: deliveries of a key overtake each other
                order by j.id desc limit 1
            )) as parent
        from chosen as c
        inner join ops.webhooks as w on w.id = c.webhook_id
    )
    insert into queue.processing_jobs (
        id, job_type, tenant_id, job_data, priority, scheduled_for, depends_on, on_parent_failure, max_attempts, limits, channel_id,
        max_crashes, weight, needs, created_at, updated_at, status_changed_at
    )
    select
        p.job_id, 'deliver_webhook', p.tenant_id,
        jsonb_build_object('webhook_id', p.webhook_id, 'event', jsonb_build_object(
            'id', p.event_id, 'type', p.event_type, 'timestamp', to_char(p.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'data', p.data
        )),
        v_type.priority, v_now, case when p.parent is not null then array[p.parent] end, case when p.parent is not null then 'run' else 'fail' end,
        v_type.max_attempts,
        case when p.max_running is null then v_type.limits else v_type.limits || ('webhook.' || p.webhook_id) end,
        p.webhook_id, v_type.max_crashes, v_type.weight, v_type.needs, v_now, v_now, v_now
    from placed as p
    order by p.job_id;
    return cardinality(v_ids);
end;
$$;

comment on function ops.route_to_webhooks(bigint[], uuid, uuid[]) is $$
Enqueue a delivery for each event and each active endpoint whose filter it passes. Of one ordering key to one endpoint each waits for the one before it,
however that ends. Returns how many.

The relay holds the lock `events` when it calls this; a replay, which an application's transaction may hold open, brings ids that it made before it waited for that lock.

Arguments
  p_seqs        events by ops.events.seq, ascending
  p_webhook_id  only to this endpoint; null: to all that want them
  p_ids         ids of the jobs, ascending, one an event at least; null: new ones
$$;
