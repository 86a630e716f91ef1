create or replace function queue.pause(p_scope text, p_key text, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_key text := queue.check_pause(p_scope, p_key);
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if coalesce(trim(p_reason), '') = '' then
        raise exception 'reason must be a sentence, not %', coalesce(quote_literal(left(p_reason, 80)), 'null')
            using errcode = 'RQ008', hint = 'One sentence for whoever finds it paused.';
    end if;
    perform queue.check_reason(p_reason);
    if p_scope = 'input' then
        perform queue.take_lock('input', v_key, true); -- see queue.record_strike
    end if;
    insert into queue.pauses as p (scope, key, reason) values (p_scope, v_key, p_reason)
    on conflict (scope, key) do update set reason = excluded.reason;

    if p_scope = 'job_type' then
        perform queue.park_paused();
    end if;
end;
$$;

comment on function queue.pause(text, text, text) is $$
Let no job begin until queue.resume; what runs goes on. It holds for all workers from their next claim on, and outlives restarts.
A second call changes the reason.

Arguments
  p_scope   all, job_type, tenant, channel or input (an asset)
  p_key     which: a job type, the slug or id of a tenant, the id of a channel or asset; '' for all
  p_reason  one sentence for whoever finds it paused, of at most 2,000 characters

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such tenant
  RQ008  no reason or one that is too long, unknown scope, or a key that makes no sense with it
  42501  the caller acts for a tenant
$$;
