create or replace function ops.relay_events(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most constant bigint := 16000000;
    v_seqs bigint[];
    v_event record;
    v_weight bigint := 0;
    v_last bigint;
    v_since timestamptz;
    v_month timestamptz;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    -- One at a time, so that events of a key keep their order; whoever comes meanwhile leaves it to the one at work.
    if not exists (select from ops.outbox) or not queue.take_lock('events') then
        return 0;
    end if;
    -- Its data goes to each endpoint of the tenant: what is many and large must not take longer than a statement may, or nothing of anybody's would
    -- ever go out. The first goes in any case. A loop, since what lies beyond the last is not to be read.
    for v_event in
        select o.seq, o.created_at, date_trunc('month', o.created_at, 'UTC') as month, (500 + octet_length(o.data::text)) * (
            1 + (select count(*) from ops.webhooks as h where h.tenant_id is not distinct from o.tenant_id and h.status = 'active')
        ) as weight
        from ops.outbox as o order by o.seq limit least(p_limit, 10000)
    loop
        v_weight := v_weight + v_event.weight;
        exit when v_last is not null and v_weight > v_most;  -- mutant: a batch of any weight
        v_last := v_event.seq;
        if v_event.month is distinct from v_month then
            perform ops.ensure_partition('ops.events', v_event.created_at);  -- mutant: an event in a month without a partition stops the relay
            v_month := v_event.month;
        end if;
    end loop;
    with taken as (
        delete from ops.outbox as o
        where o.seq = any(array(select n.seq from ops.outbox as n where n.seq <= v_last order by n.seq limit least(p_limit, 10000)))
        returning o.*
    ),
    told as (
        insert into ops.events (seq, event_id, tenant_id, event_type, ordering_key, data, created_at, relay_position)
        select t.seq, t.event_id, t.tenant_id, t.event_type, t.ordering_key, t.data, t.created_at, nextval('ops.event_positions')
        from (select a.* from taken as a order by a.seq) as t
        returning seq, created_at
    )
    select array_agg(t.seq order by t.seq), min(t.created_at) into v_seqs, v_since from told as t;
    if v_seqs is null then
        return 0;
    end if;
    perform ops.route_to_webhooks(v_seqs);
    perform ops.route_to_users(v_seqs, v_since);
    perform ops.notify_listeners(v_seqs, v_since);
    return cardinality(v_seqs);
end;
$$;

comment on function ops.relay_events(integer) is $$
Pass on what is in the outbox, in one transaction: a record of each event to ops.events, a job for each endpoint that wants it to the queue, notifications to users, a NOTIFY to each tenant's programs. Workers call it every second; safe to call at any time and by several at once. A month
without a partition gets one.

Arguments
  p_limit  so many at most; up to 10,000. Fewer where their data, times the endpoints that may get it, comes to more than 16 MB

Returns how many; until it is 0, more may wait. 0 too while another session is at it.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
