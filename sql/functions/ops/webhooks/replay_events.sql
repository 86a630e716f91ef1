create or replace function ops.replay_events(
    p_webhook_id uuid,
    p_event_ids uuid[] default null,
    p_since timestamptz default null,
    p_until timestamptz default null,
    p_missed boolean default false,
    p_after bigint default 0,
    p_limit integer default 1000
)
returns table (looked_at integer, enqueued bigint, reached bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
    v_seqs bigint[];
    v_ids uuid[];
begin
    perform base.check_read_committed();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Go on with p_after => reached until that is null.';
    elsif (p_event_ids is null) = (p_since is null) then
        raise exception 'a replay must be of events by id or of a time range, not of %', case when p_since is null then 'all' else 'both' end
            using errcode = 'RQ008', hint = 'p_event_ids, or p_since and perhaps p_until.';
    elsif v_webhook.status <> 'active' then
        raise exception 'webhook % must be active, not %', p_webhook_id, v_webhook.status using errcode = 'RQ009', hint = 'reelq webhooks enable ' || p_webhook_id;
    end if;
    v_seqs := array(
        select e.seq from ops.events as e
        where
            e.seq > p_after
            and (e.tenant_id = v_webhook.tenant_id or (e.tenant_id is null and v_webhook.tenant_id is null))  -- mutant: a replay brings another tenant's events
            and v_webhook.events && ops.filters_of(e.event_type)
            and (p_event_ids is null or e.event_id = any(p_event_ids))
            and (p_since is null or e.created_at >= p_since) and (p_until is null or e.created_at < p_until)
        order by e.seq
        limit p_limit
    );
    looked_at := cardinality(v_seqs);
    reached := case when looked_at = p_limit then v_seqs[looked_at] end;
    if p_missed then
        v_seqs := array(
            select s from unnest(v_seqs) as s
            where not exists (  -- mutant: what has arrived is replayed as missed
                select from ops.events as e
                inner join ops.webhook_deliveries as d on d.webhook_id = p_webhook_id and d.ordering_key = e.ordering_key and d.event_id = e.event_id
                inner join queue.all_jobs as j on j.id = d.job_id
                where e.seq = s and j.status in ('queued', 'running', 'completed')
            )
            order by s
        );
    end if;
    enqueued := 0;
    if v_seqs <> '{}' then
        -- The relay at work is waited for, so that its deliveries are seen, and let go of at once, by what undoes a block: an application that does not end
        -- its transaction would else stop the relay of everybody. What is relayed from here on has later ids than these, and so stays in order.
        v_ids := base.uuids_v7(cardinality(v_seqs));
        begin
            perform queue.take_lock('events', p_wait => true);
            raise exception 'the lock is let go of' using errcode = 'no_data_found', hint = 'Caught below.';  -- mutant: a replay stops the relay
        exception
            when no_data_found then
                null;
        end;
        enqueued := ops.route_to_webhooks(v_seqs, p_webhook_id, v_ids);
    end if;
    perform base.record_act('webhook.replayed', 'webhook', p_webhook_id::text, null, null, v_webhook.tenant_id, jsonb_build_object(
        'since', p_since, 'until', p_until, 'events', p_event_ids, 'missed', p_missed, 'enqueued', enqueued
    ));
    return next;
end;
$$;

comment on function ops.replay_events(uuid, uuid[], timestamptz, timestamptz, boolean, bigint, integer) is $$
Deliver events to an endpoint once more, as far as its filter takes them: those named, or all of a time range that are kept still (30 days). Each comes behind what
waits of its ordering key already, with its first id, so that whoever has seen it knows it.

Arguments
  p_event_ids  these events
  p_since      those that happened from then on; p_until: and before then
  p_missed     only those that have neither arrived there nor are on their way
  p_after      go on above this `reached` of the call before
  p_limit      look at so many events at most, 1 to 10,000

Returns
  looked_at  events
  enqueued   deliveries
  reached    where to go on; null: that was all

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ008  neither events nor a time, or a limit that cannot be
  RQ009  the endpoint is disabled
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
