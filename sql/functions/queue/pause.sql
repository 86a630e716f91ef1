create or replace function queue.pause(p_scope text, p_key text, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
declare
    v_key text := queue.check_pause(p_scope, p_key);
    v_ids uuid[];
    v_limits text;
begin
    perform base.require_read_committed();
    if coalesce(trim(p_reason), '') = '' then
        raise exception 'a pause has a reason'
            using errcode = 'RQ008', hint = 'One sentence for whoever finds it paused.';
    end if;
    insert into queue.pauses as p (scope, key, reason) values (p_scope, v_key, p_reason)
    on conflict (scope, key) do update set reason = excluded.reason;

    if p_scope = 'job_type' then
        -- Ready jobs of the type must not keep units that other types of their tenants could use.
        with gone as (
            delete from queue.ready as r
            where r.ctid = any(array(
                select held.ctid
                from queue.lanes as l inner join queue.ready as held on held.lane = l.lane
                where l.job_type = v_key and held.limits is not null
                for update of held skip locked
            ))
            returning r.job_id, r.seq, array_to_string(r.limits, ' ') as limits
        )
        select array_agg(g.job_id order by g.seq), string_agg(g.limits, ' ') into v_ids, v_limits from gone as g;
        if v_ids is not null then
            perform queue.park_jobs(v_ids, array_fill('pause:job_type:' || v_key, array[cardinality(v_ids)]));
            perform queue.give_back(string_to_array(v_limits, ' '));
        end if;
    end if;
end;
$$;

comment on function queue.pause(text, text, text) is $$
Let no job begin until queue.resume; what runs goes on. It holds for all workers from their next claim on, and outlives restarts.
A second call changes the reason.

Arguments
  p_scope   all, job_type, tenant, channel or input (an asset)
  p_key     which: a job type, the slug or id of a tenant, the id of a channel or asset; '' for all
  p_reason  one sentence for whoever finds it paused

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  unknown job type
  RQ004  no such tenant
  RQ008  no reason, unknown scope, or a key that makes no sense with it
$$;
