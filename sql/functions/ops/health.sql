create or replace function ops.health(p_deep boolean default false)
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_check text;
begin
    foreach v_check in array array['server', 'roles', 'secrets', 'snapshots', 'audit', 'backups', 'events', 'stores', 'upkeep', 'queue'] loop
        -- A check that fails is itself a finding, and must not hide what the others have to say.
        begin
            if v_check in ('snapshots', 'audit', 'backups', 'events', 'stores', 'upkeep') and not base.is_operator() then
                return query
                execute format($q$select h.finding, h.level, 'Details are for operators.', case when h.level <> 'ok' then 'Ask an operator.' end from ops.health_of_%s() as h$q$, v_check);
            elsif v_check = 'queue' then
                return query select h.* from queue.health(p_deep) as h;
            else
                return query execute format('select h.* from ops.health_of_%s() as h', v_check);
            end if;
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

comment on function ops.health(boolean) is $$
All that the database knows of its own health: the server, roles, secrets, snapshots, the audit, the upkeep, backups and events, then what queue.health() says. The columns, the
levels and p_deep are those of queue.health. Whoever is no operator (base.is_operator) gets findings and levels, and no details. No row is left when all is well: select * from ops.health() where level <> 'ok';

`reelq doctor` prints it, with what only the host knows.
$$;
