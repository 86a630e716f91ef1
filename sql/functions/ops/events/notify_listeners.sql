create or replace function ops.notify_listeners(p_seqs bigint[], p_since timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
as $$
begin
    if not queue.may_notify() then
        return;
    end if;
    perform pg_notify('reelq_events_' || replace(n.tenant_id::text, '-', ''), n.event_id::text)
    from (
        select distinct on (e.tenant_id) e.tenant_id, e.event_id
        from ops.events as e
        where e.seq = any(p_seqs) and e.created_at >= p_since and e.tenant_id is not null
        order by e.tenant_id asc, e.relay_position desc
    ) as n;
end;
$$;

comment on function ops.notify_listeners(bigint[], timestamptz) is $$
One NOTIFY for each tenant of a batch that ops.relay_events passes on, on the channel reelq_events_<id of the tenant without dashes>, with the id of its newest event. Nothing
else, since whoever may connect may listen. Not on a server that prepares transactions, see queue.may_notify. docs/embed.md is the contract.

Arguments
  p_seqs   the events, as ops.events.seq
  p_since  the oldest created_at among them: no older partition is looked into
$$;
