create or replace function queue.admit_or_park(p_job_ids uuid[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
as $$
declare
    v_free uuid[] := p_job_ids;
    v_parked uuid[];
    v_gates text[];
begin
    if queue.has_gates() then
        select
            coalesce(array_agg(w.job_id order by w.place) filter (where w.gate is null), '{}'),
            array_agg(w.job_id order by w.place) filter (where w.gate is not null),
            array_agg(w.gate order by w.place) filter (where w.gate is not null)
        into v_free, v_parked, v_gates
        from (select g.place, g.job_id, coalesce(g.pause, g.limits[1]) as gate from queue.find_gates(p_job_ids) as g) as w;
        if v_parked is not null then
            perform queue.park_jobs(v_parked, v_gates);
            perform queue.notify_ready(
                array(select distinct j.job_type from queue.processing_jobs as j where j.id = any(v_parked))
            );
        end if;
    end if;
    if v_free <> '{}' then
        perform queue.admit_jobs(v_free);
    end if;
end;
$$;

comment on function queue.admit_or_park(uuid[]) is $$
Make queued jobs ready, in the order given (queue.admit_jobs); park those that a pause or a limit holds behind its gate.
$$;
