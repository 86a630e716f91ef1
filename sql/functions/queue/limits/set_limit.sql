create or replace function queue.set_limit(p_key text, p_max integer)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    v_key text := queue.check_limit_key(p_key);
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_max is null or p_max < 1 then
        raise exception 'limit must be 1 or more, not %', coalesce(p_max::text, 'null')
            using errcode = 'RQ008', hint = 'To let nothing run use queue.pause; to let everything run queue.drop_limit.';
    end if;
    -- A claim that takes a tenant's row away since tenant:* was dropped is waited for.
    perform from queue.limits as l where l.limit_key = v_key for no key update;  -- mutant: a limit is set on a row that goes
    if not found then
        perform queue.lock_limit_key(v_key, true);
        -- Count the jobs that have a permit or run without one. queue.initialise_limits gives the latter theirs at the next claim.
        insert into queue.limits (limit_key, max_running, backlog, virtual_times, used)
        select v_key, p_max, true, array(
            -- Jobs of a limit of this key that was dropped a moment ago may still wait: whoever comes now comes in among them.
            select coalesce((
                select p.fair_key from queue.parked as p where p.gate = v_key and p.priority = c.priority  -- mutant: a limit set anew begins at nought
                order by p.fair_key, p.seq limit 1
            ), 0)
            from generate_series(1, 10) as c (priority) order by c.priority
        ), (
            (
                select count(*) from queue.leases as e
                cross join lateral (select one.* from queue.processing_jobs as one where one.id = e.job_id offset 0) as j
                where v_key = any(e.limits) or v_key = 'type:' || j.job_type or v_key = 'tenant:' || j.tenant_id
                    or (v_key like 'name:%' and substring(v_key from 6) = any(j.limits))
            )
            + (select count(*) from queue.ready as r where r.limits is not null and v_key = any(r.limits))
            + (select coalesce(sum(o.permits), 0) from queue.gate_events as o where o.gate = v_key)
        )
        on conflict do nothing;
    end if;
    update queue.limits as l set max_running = p_max where l.limit_key = v_key and l.max_running is distinct from p_max;
    insert into queue.gate_events (gate, permits)
    select l.limit_key, 0 from queue.limits as l
    where l.limit_key = v_key or (v_key = 'tenant:*' and l.max_running is null);
    perform queue.notify_ready(array(select t.job_type from queue.job_types as t));
end;
$$;

comment on function queue.set_limit(text, integer) is $$
Let at most p_max jobs of a key be ready or running together; the others wait, by urgency and, within a priority, by turns between
tenants, and one enters for each that ends. A lower limit stops nothing that has entered. Jobs that run when a limit is made count; the ready ones are met one by one.

Arguments
  p_key  type:<job type>, tenant:<slug or id>, tenant:* (every tenant without a limit of its own), or name:<word> for the jobs
         whose type or an operator names it in `limits`, as one account of a platform. What tenants name is each one's own:
         name:<slug or id>/<word>

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type
  RQ004  no such tenant
  RQ008  a limit below one, or no key of a limit
  42501  the caller acts for a tenant
$$;
