create or replace function queue.sync_retry_policies(p_job_type text, p_retry jsonb, p_overwrite boolean)
returns table (name text, old_value text, new_value text, action text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text[] := array['job_type', 'error_class', 'code', 'created_at', 'updated_at'];
    v_before jsonb := (select coalesce(t.declared -> 'retry', '{}') from queue.job_types as t where t.job_type = p_job_type);
    v_after jsonb := '{}';
    v_default jsonb := '{
        "code": "*", "action": "retry", "base": "10 seconds", "factor": 2, "cap": "15 minutes", "jitter": "full", "charges": true
    }';
    v_policy record;
    v_unknown text;
begin
    if jsonb_typeof(p_retry) is distinct from 'array' or jsonb_path_exists(p_retry, '$[*] ? (@.type() != "object" || !exists(@.error_class))') then
        raise exception 'retry policies must be a JSON array of objects with an error_class'
            using errcode = 'RQ008', hint = '[{"error_class": "transient", "base": "5 seconds", "cap": "1 minute"}]';
    end if;
    select k into v_unknown from jsonb_array_elements(p_retry) as d (policy) cross join lateral jsonb_object_keys(d.policy) as k
    where k <> 'error_class' and not v_default ? k limit 1;
    if found then
        raise exception 'a retry policy must be of keys that are known, not %', quote_literal(v_unknown)
            using errcode = 'RQ008', hint = 'Known: error_class, ' || (select string_agg(k, ', ') from jsonb_object_keys(v_default) as k);
    end if;
    select format('%s %s', d.policy ->> 'error_class', coalesce(d.policy ->> 'code', '*')) into v_unknown
    from jsonb_array_elements(p_retry) as d (policy)
    group by 1
    having count(*) > 1 limit 1;
    if found then
        raise exception 'retry policies must be one an error, not two for %', v_unknown
            using errcode = 'RQ008', hint = 'An error is a pair of error_class and code; without a code it is *.';
    end if;
    for v_policy in
        with declared as (
            select r.error_class, r.code, jsonb_strip_nulls(to_jsonb(r) - v_key) as settings
            from jsonb_array_elements(p_retry) as d (policy)
            cross join lateral jsonb_populate_record(
                null::queue.retry_policies,
                -- Whether it is charged, and when, is as for everybody, unless it is said: to wait longer for a rate limit is not to pay for it.
                v_default || case when d.policy ? 'charges' then '{}' else coalesce((  -- mutant: a policy of its own charges rate limits
                    select jsonb_strip_nulls(jsonb_build_object('charges', p.charges, 'charges_after', p.charges_after))
                    from queue.retry_policies as p
                    where p.job_type = '*' and p.error_class = d.policy ->> 'error_class' and p.code in ('*', d.policy ->> 'code')
                    order by p.code = '*' limit 1
                ), '{}') end || d.policy
            ) as r
        ),
        present as (
            select p.error_class, p.code, jsonb_strip_nulls(to_jsonb(p) - v_key) as settings from queue.retry_policies as p where p.job_type = p_job_type
        )
        select error_class, code, d.settings as want, n.settings as now, v_before -> (error_class || ' ' || code) as last
        from declared as d
        full join present as n using (error_class, code)
        order by error_class, code
    loop
        if v_policy.want is not null then
            v_after := v_after || jsonb_build_object(v_policy.error_class || ' ' || v_policy.code, v_policy.want);
        end if;
        -- What no program has declared is an operator's own.
        continue when v_policy.want is not distinct from v_policy.now or (v_policy.want is null and v_policy.last is null);
        name := 'retry ' || v_policy.error_class || ' ' || v_policy.code;
        old_value := v_policy.now;
        new_value := v_policy.want;
        action := case
            when not p_overwrite and v_policy.now is distinct from v_policy.last then 'kept'  -- mutant: a sync brings back a policy that was deleted
            when v_policy.want is null then 'removed'
            when v_policy.now is null then 'added'
            else 'changed'
        end;
        if action <> 'kept' then
            delete from queue.retry_policies as p
            where p.job_type = p_job_type and p.error_class = v_policy.error_class and p.code = v_policy.code;
            insert into queue.retry_policies (job_type, error_class, code, action, base, factor, cap, jitter, charges, charges_after)
            select p_job_type, v_policy.error_class, v_policy.code, r.action, r.base, r.factor, r.cap, r.jitter, r.charges, r.charges_after
            from jsonb_populate_record(null::queue.retry_policies, v_policy.want) as r
            where v_policy.want is not null;
        end if;
        return next;
    end loop;
    update queue.job_types as t set declared = jsonb_set(t.declared, '{retry}', v_after)
    where t.job_type = p_job_type and t.declared -> 'retry' is distinct from v_after;
end;
$$;

comment on function queue.sync_retry_policies(text, jsonb, boolean) is $$
The part of queue.sync_job_type that is about queue.retry_policies. A policy that the program declared before and does no more is
removed, unless it was changed by hand. One that does not say `charges` has `charges` and `charges_after` of the row of '*' for its class and code.

Raises
  RQ008  no array of objects with an error_class, an unknown key, or two policies for one error
$$;
