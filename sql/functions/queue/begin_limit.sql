create or replace function queue.begin_limit(p_key text, p_max integer)
returns void
language plpgsql
volatile
set search_path = ''
set jit = off
set enable_seqscan = off
as $$
begin
    insert into queue.limits (limit_key, max_running) values (p_key, p_max) on conflict do nothing;
    if not found then
        return;
    end if;
    -- What runs already counts. What is ready is parked when a claim meets it, and then counted.
    update queue.leases as l
    set limits = array_append(l.limits, p_key)
    where l.job_id = any(array(
        select held.job_id
        from queue.leases as held
        inner join queue.processing_jobs as j on j.id = held.job_id
        where p_key = any(queue.limit_keys(j)) and p_key <> all(coalesce(held.limits, '{}'))
        for update of held skip locked
    ));
    update queue.limits as l
    set used = (
        (select count(*) from queue.leases as held where p_key = any(held.limits))
        + (select count(*) from queue.ready as r where r.limits is not null and p_key = any(r.limits))
        + (select coalesce(sum(o.units), 0) from queue.openings as o where o.gate = p_key)
    )
    where l.limit_key = p_key;
end;
$$;

comment on function queue.begin_limit(text, integer) is $$
Make the row of a limit that has none, and count the jobs of its key that run. p_max null: the limit of tenant:*.
$$;
