create or replace function queue.health(p_deep boolean default false)
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_check text;
    v_operator boolean := base.is_operator();  -- mutant: a reader is told what is wrong with whom
begin
    foreach v_check in array array['tables', 'workers', 'jobs', 'gates', 'retries', 'upkeep', 'schedules', 'invariants'] loop
        -- A check that fails is itself a finding, and must not hide what the others have to say.
        begin
            return query execute format(
                'select h.finding, h.level, case when $2 then h.detail else %L end, case when $2 then h.remedy when h.level <> ''ok'' then %L end'
                ' from queue.health_of_%s(%s) as h',
                'Details are for operators.', 'Ask an operator.', v_check, case v_check when 'invariants' then '$1' else '' end
            ) using p_deep and v_operator, v_operator;
        exception
            when lock_not_available then  -- what only reads waits for nothing less than this lock
                return query
                select
                    v_check, 'warn', format('Not checked: another session holds a lock that this waited for: %s', sqlerrm),
                    'Which: select pid, relation::regclass, query from pg_locks inner join pg_stat_activity using (pid)'
                    ' where granted and mode = ''AccessExclusiveLock''';
            when others then
                return query select v_check, 'bad', format('The check itself failed: %s (%s)', sqlerrm, sqlstate), 'Report it.';
        end;
    end loop;
end;
$$;

comment on function queue.health(boolean) is $$
What the queue knows of its own health; ops.health() says it together with the server's. Cheap: catalogue, statistics and narrow tables, never the wide one;
queue.verify() is part of it while the tables are small, or when p_deep says so.

  finding  what was looked at; more than one row when more than one thing is wrong with it
  level    ok; warn: somebody should look this week; bad: work stands still or data is in danger, now
  detail   what was found
  remedy   what to do; null when all is well

Details and remedies name workers, tenants and sessions, and are for operators (base.is_operator).
$$;
