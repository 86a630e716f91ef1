create or replace function queue.verdicts(p_results jsonb, p_done uuid[])
returns table (job_id uuid, verdict text)
language plpgsql
stable
set search_path = ''
set jit = off
set enable_hashjoin = on
as $$
begin
    return query
    select r.job_id, case when d.id is null then 'stale' else 'ok' end
    from jsonb_to_recordset(p_results) as r (job_id uuid, outcome text)
    left join unnest(p_done) as d (id) on d.id = r.job_id
    where r.outcome = 'completed';
end;
$$;

comment on function queue.verdicts(jsonb, uuid[]) is $$
Which of the completions in a batch for queue.settle_jobs counted. A function of its own, because the settings of
that one forbid the hash join that thousands of rows want.
$$;
