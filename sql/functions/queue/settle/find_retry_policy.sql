create or replace function queue.find_retry_policy(p_job_type text, p_error_class text, p_code text)
returns queue.retry_policies
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_policy queue.retry_policies;
    v_of_code queue.retry_policies;
begin
    select * into v_policy from queue.retry_policies as p
    where p.error_class = p_error_class and p.job_type in (p_job_type, '*') and p.code in (p_code, '*')
    order by p.job_type = '*', p.code = '*'  -- mutant: a code's policy before a type's
    limit 1;
    if v_policy.job_type <> '*' and v_policy.code = '*' and v_policy.charges and p_code <> '*' then
        select * into v_of_code from queue.retry_policies as p
        where p.job_type = '*' and p.error_class = p_error_class and p.code = p_code;
        -- How long a type waits after its errors says nothing about whose trouble this one is: a store that is away is nobody's error.
        if not v_of_code.charges then  -- mutant: a type's own waits charge the trouble of the host
            v_policy.charges := false;
            v_policy.charges_after := v_of_code.charges_after;
        end if;
    end if;
    return v_policy;
end;
$$;

comment on function queue.find_retry_policy(text, text, text) is $$
What follows an error of a job type: the row of queue.retry_policies of this type and code, else of the type, else of the code, else of the class; null
when there is none. Whether it is charged is as everybody's row of the code says, where the type has no row of that code.
$$;
