-- transaction: none
-- back: drop index concurrently queue.limits_with_backlog, queue.parked_by_flow, queue.parked_turns
drop index concurrently if exists queue.limits_with_backlog;

create index concurrently limits_with_backlog on queue.limits (limit_key) where backlog;

drop index concurrently if exists queue.parked_by_flow;

create index concurrently parked_by_flow on queue.parked (gate, priority, flow, moved, fair_key);

drop index concurrently if exists queue.parked_turns;

create unique index concurrently parked_turns on queue.parked (gate, priority, fair_key, seq);

-- Give turns to what waits, a thousand at a time, in the order in which it would have been let in. What others hold keeps priority 0.
do $$
declare
    v_gate text := '';
    v_rank double precision := '-infinity';
    v_seq bigint := 0;
begin
    loop
        with head as materialized (
            select p.ctid as place, p.gate, p.rank, p.seq, p.job_id
            from queue.parked as p
            where (p.gate, p.rank, p.seq) > (v_gate, v_rank, v_seq) and p.priority = 0
            order by p.gate, p.rank, p.seq
            limit 1000
            for update skip locked
        ),
        jobs as materialized (
            select
                h.place, h.gate, h.rank, h.seq, j.priority, coalesce(j.tenant_id, '00000000-0000-0000-0000-000000000000') as flow
            from head as h
            -- `offset 0`: one probe a job, whatever the statistics say.
            cross join lateral (select one.priority, one.tenant_id from queue.processing_jobs as one where one.id = h.job_id offset 0) as j
        ),
        turns as (
            select
                j.*,
                coalesce((
                    select p.fair_key from queue.parked as p
                    where p.gate = j.gate and p.priority = j.priority and p.flow = j.flow and not p.moved
                    order by p.fair_key desc limit 1
                ), 0) + row_number() over (partition by j.gate, j.priority, j.flow order by j.rank, j.seq)
                / coalesce((select t.job_weight from identity.tenants as t where t.id = j.flow), 1)::double precision as fair_key
            from jobs as j
        ),
        changed as (
            update queue.parked as p
            set priority = t.priority, flow = t.flow, fair_key = t.fair_key
            from turns as t
            where p.ctid = t.place
        )
        select h.gate, h.rank, h.seq into v_gate, v_rank, v_seq from head as h order by h.gate desc, h.rank desc, h.seq desc limit 1;
        exit when not found;
        commit;
    end loop;
end;
$$;
