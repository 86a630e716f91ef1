create or replace function ops.erase_rows(p_erasure_id uuid, p_limit integer default 500)
returns table (step text, changed bigint, running bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_erasure ops.erasures := ops.lock_erasure(p_erasure_id);
    v_user_id uuid := v_erasure.user_id;
    v_rule record;
begin
    changed := 0;
    running := 0;
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'So many rows a transaction; leave it out.';
    end if;
    if v_erasure.status = 'completed' then
        step := 'completed';
        return next;
        return;
    end if;
    -- Each step until it finds nothing; the first that finds something ends the call.
    loop
        case v_erasure.step
            when 1 then
                step := 'accounts';
                for v_rule in
                    select r.relation from ops.personal_rules() as r where r.action in ('delete', 'blank') and to_regclass(r.relation) is not null order by r.step
                loop
                    changed := ops.count_erased(p_erasure_id, jsonb_build_object(v_rule.relation, ops.erase_by_rule(v_rule.relation, v_user_id, p_limit)));
                    exit when changed > 0;
                end loop;
            when 2 then
                step := 'jobs';
                changed := ops.cancel_jobs_of_user(v_user_id, p_limit);
            when 3 then
                step := 'running';
                running := ops.running_jobs_of_user(v_user_id);
            when 4 then
                step := 'shared';
                changed := ops.erase_shared(p_erasure_id, v_user_id, p_limit);
            when 5 then
                step := 'objects';
                changed := (select count(*) from ops.assets_to_erase(v_user_id, 1));
            when 6 then
                step := 'history';
                changed := ops.erase_jobs(p_erasure_id, v_user_id, p_limit);
            else
                step := 'completed';
                if not ops.erase_account(v_erasure) then
                    update ops.erasures as e set step = 1 where e.id = p_erasure_id;
                    step := 'again';
                end if;
                changed := 1;
        end case;
        if changed > 0 or running > 0 then
            return next;
            return;
        end if;
        v_erasure.step := v_erasure.step + 1;
        update ops.erasures as e set step = v_erasure.step where e.id = p_erasure_id;
    end loop;
end;
$$;

comment on function ops.erase_rows(uuid, integer) is $$
One transaction's part of an erasure, in one row. Call it, each time with a commit, until it says completed. Killed at any moment, the next call goes on; two that
call it take turns.

Arguments
  p_limit  rows at most, 1 to 10,000

Returns
  step     accounts, jobs, shared, history, again: call again. running: so many jobs of theirs run, and are told to stop; call again in a moment.
           objects: move the bytes, see ops.objects_to_erase, then call again. completed: it is done
  changed  rows
  running  jobs that are waited for

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no erasure that has begun
  RQ008  a bad limit
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
