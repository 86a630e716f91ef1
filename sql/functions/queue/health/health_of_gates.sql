create or replace function queue.health_of_gates()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
    v_now timestamptz := base.clock();
    v_most constant integer := 10000; -- where counting stops
begin
    return query
    select
        'pauses', case when p.scope = 'all' and p.created_at < v_now - interval '1 hour' and held.jobs > 0 then 'bad' else 'warn' end,
        format(
            '%s has been paused for %s by %s (%s)%s', case p.scope when 'all' then 'Everything' else concat_ws(' ', p.scope, coalesce(t.slug, p.key)) end,
            date_trunc('second', v_now - p.created_at), p.paused_by, p.reason,
            case when held.jobs > 0 then format('; %s job%s behind it', base.format_count(held.jobs, v_most), case held.jobs when 1 then ' waits' else 's wait' end) else '' end
        ),
        case p.scope
            when 'suspended' then format('Is it still wanted? Else: reelq tenants activate %s', coalesce(t.slug, p.key))
            else 'Is it still wanted? Else: reelq queue resume ' || concat_ws(' ', p.scope, nullif(coalesce(t.slug, p.key), ''))
        end
    from queue.pauses as p
    left join identity.tenants as t on p.scope in ('tenant', 'suspended') and t.id::text = p.key
    cross join lateral (
        select count(*) as jobs from (
            select from (
                -- What no claim has met yet is ready; the others are parked.
                (
                    select from queue.lanes as l
                    cross join lateral (select from queue.ready as r where r.lane = l.lane limit v_most) as r
                    where p.scope = 'all' or (p.scope = 'job_type' and l.job_type = p.key)
                    limit v_most
                )
                union all
                (
                    select from queue.lanes as l
                    cross join (select case when p.scope = 'tenant' then p.key::uuid end as flow) as t
                    cross join lateral (
                        -- A range in the order of the index by flow: no other index has it, and a lane may hold a million of others.
                        select from queue.ready as r
                        where r.lane = l.lane and r.flow >= t.flow and r.flow <= t.flow order by r.flow, r.fair_key limit v_most  -- mutant: a pause of a tenant reads the jobs of all
                    ) as r
                    where p.scope = 'tenant'
                    limit v_most
                )
                union all
                (
                    select from queue.parked as k
                    where p.scope in ('job_type', 'tenant') and k.gate = 'pause:' || p.scope || ':' || p.key limit v_most
                )
                union all
                (select from queue.parked as k where p.scope = 'all' limit v_most)
            ) as waiting
            limit v_most
        ) as capped
    ) as held
    where
        p.created_at < v_now - interval '1 day'
        or (p.created_at < v_now - interval '15 minutes' and held.jobs > 0)  -- mutant: a pause holds jobs and nobody is told
    order by p.created_at;
    if not found then
        return query select 'pauses', 'ok', 'None is older than a day, or holds jobs for 15 minutes.', null::text;
    end if;

    return query
    select
        'limits', 'warn',
        format('%s jobs wait behind the limit %s (%s), many for more than an hour', base.format_count(l.parked, v_most), l.name, l.max_running),
        format('Is it as meant? Else: reelq queue set-limit %s %s', quote_literal(l.name), l.max_running * 2)
    from queue.limit_states() as l
    inner join queue.limits as own on own.limit_key = l.limit_key
    cross join lateral (
        select k.job_id from queue.parked as k where k.gate = l.limit_key order by k.priority, k.fair_key, k.seq limit 1 offset 1000
    ) as late
    -- `offset 0`: one probe. With old statistics a join reads the whole table.
    cross join lateral (select one.scheduled_for from queue.processing_jobs as one where one.id = late.job_id offset 0) as j  -- mutant: a job behind a limit is looked for among all
    where l.parked > 1000 and own.updated_at < v_now - interval '1 hour' and j.scheduled_for < v_now - interval '1 hour'
    order by l.parked desc, l.name;
    if not found then
        return query select 'limits', 'ok', 'Behind none more than 1,000 jobs wait for an hour.', null::text;
    end if;
end;
$$;

comment on function queue.health_of_gates() is $$
Part of queue.health: pauses that hold jobs for more than 15 minutes (of everything for more than an hour: bad) or are older than a day,
and limits behind which more than 1,000 jobs wait for more than an hour. Counting stops at 10,000.
$$;
