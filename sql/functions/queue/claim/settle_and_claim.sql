create or replace function queue.settle_and_claim(
    p_worker_id text,
    p_limit integer,
    p_results jsonb,
    p_lanes integer[] default null,
    p_fair_keys double precision[] default null,
    p_seqs bigint[] default null
)
returns setof queue.claimed_job
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row record;
    v_lost queue.claimed_job;
begin
    -- Skip settling when there is nothing to settle: it would be half of the cost of such a call.
    if p_results is distinct from '[]' then
        for v_row in select s.job_id from queue.settle_jobs(p_worker_id, p_results) as s where s.verdict = 'lost' loop
            v_lost.verdict := 'lost';
            v_lost.job_id := v_row.job_id;
            v_lost.token := (
                select (i ->> 'token')::integer from jsonb_array_elements(p_results) as i
                where (i ->> 'job_id')::uuid = v_row.job_id limit 1
            );
            return next v_lost;
        end loop;
    end if;
    return query select c.* from queue.claim_jobs(p_worker_id, p_limit, p_lanes, p_fair_keys, p_seqs) as c;
end;
$$;

comment on function queue.settle_and_claim(text, integer, jsonb, integer[], double precision[], bigint[]) is $$
Settle what a worker has finished and claim what is next: one round trip and one commit for both. Arguments
and errors as of queue.settle_jobs and queue.claim_jobs. A settlement that came too late is returned as a
row with verdict 'lost', job_id and token.
$$;
