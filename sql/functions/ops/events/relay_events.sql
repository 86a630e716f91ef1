create or replace function ops.relay_events(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_seqs bigint[];
begin
    perform base.check_read_committed();
    -- One at a time, so that events of a key keep their order; whoever comes meanwhile leaves it to the one at work.
    if not exists (select from ops.outbox) or not queue.take_lock('events') then
        return 0;
    end if;
    with taken as (
        delete from ops.outbox as o
        where o.seq = any(array(select n.seq from ops.outbox as n order by n.seq limit least(p_limit, 10000)))
        returning o.*
    ),
    kept as (
        insert into ops.events (seq, event_id, tenant_id, event_type, ordering_key, data, created_at)
        select t.seq, t.event_id, t.tenant_id, t.event_type, t.ordering_key, t.data, t.created_at
        from taken as t
        order by t.seq
        returning events.seq
    )
    select array_agg(k.seq order by k.seq) into v_seqs from kept as k;
    if v_seqs is null then
        return 0;
    end if;
    perform ops.route_to_webhooks(v_seqs);
    return cardinality(v_seqs);
end;
$$;

comment on function ops.relay_events(integer) is $$
Pass on what is in the outbox, in one transaction: a record of each event goes to ops.events, and a job for each endpoint that wants it to the queue. Workers
call it every second; safe to call at any time and by several at once.

Arguments
  p_limit  so many at most; up to 10,000

Returns how many; when it is p_limit, call again. 0 too while another session is at it.

Raises
  RQ002  the caller is not READ COMMITTED
$$;
