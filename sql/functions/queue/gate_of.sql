create or replace function queue.gate_of(p_job_id uuid, p_held text[])
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(
        queue.pause_gate(j),
        (select k from unnest(queue.limit_keys(j)) as k where k <> all(coalesce(p_held, '{}')) order by k limit 1)
    )
    from queue.processing_jobs as j
    where j.id = p_job_id;
$$;

comment on function queue.gate_of(uuid, text[]) is $$
The gate that a job which holds units of these limits must wait behind: a pause, or a limit of which it holds no unit.
Null: it may run.
$$;
