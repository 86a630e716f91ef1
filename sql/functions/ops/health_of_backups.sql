create or replace function ops.health_of_backups()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_good ops.backups;
    v_verified ops.backups;
    v_other ops.backups;
    v_installed timestamptz := (select min(l.applied_at) from base.schema_ledger as l);
begin
    finding := 'backups';
    select * into v_good from ops.backups as b
    where b.status = 'completed' and b.pruned_at is null and b.verify_failed_at is null order by b.began_at desc, b.id desc limit 1;
    select * into v_verified from ops.backups as b
    where b.status = 'completed' and b.pruned_at is null and b.verified_at is not null and b.verify_failed_at is null
    order by b.began_at desc, b.id desc limit 1;

    for v_other in
        select * from ops.backups as b
        where b.status = 'running' and b.seen_at < v_now - ops.backup_silence()
    loop
        level := 'warn';
        detail := format('A backup that began at %s was killed, or has not reached the database for %s.', v_other.began_at, base.format_interval(v_now - v_other.seen_at));
        remedy := 'reelq backup create makes another; reelq backup prune removes what it left.';
        return next;
    end loop;
    select * into v_other from ops.backups as b where b.status <> 'running' order by b.began_at desc, b.id desc limit 1;
    if v_other.status = 'failed' then
        level := 'warn';
        detail := format('The last backup failed: %s (%s)', v_other.error_message, v_other.error_code);
        remedy := 'Mend that, then: reelq backup create';
        return next;
    end if;
    for v_other in
        select * from ops.backups as b
        where b.verify_failed_at is not null and b.pruned_at is null order by b.began_at desc, b.id desc limit 3
    loop
        -- With a newer one that restores, this is nothing to be woken for.
        level := case when v_verified.began_at > v_other.began_at then 'warn' else 'bad' end;
        if v_other.verify_error like 'pg_restore %' then
            detail := format('The backup of %s does not restore: %s', v_other.began_at, v_other.verify_error);
            remedy := 'Its bytes are whole. Mend in the database what it names, as an application''s function that needs a search_path, or leave out what is not '
                'reelq''s: REELQ_BACKUP_SCOPE=reelq; then: reelq backup create, reelq backup verify';
        else
            detail := format('The backup of %s is not whole: %s', v_other.began_at, v_other.verify_error);
            remedy := 'Look at its store; then: reelq backup create, reelq backup verify';
        end if;
        return next;
    end loop;

    if v_good.id is null then
        level := case when v_installed < v_now - interval '2 days' then 'warn' else 'ok' end;
        detail := 'There is none.';
        remedy := case when level = 'warn' then 'reelq backup create, every day; docs/operate.md, Back up' end;
    else
        level := case when v_good.began_at < v_now - interval '7 days' then 'bad' when v_good.began_at < v_now - interval '2 days' then 'warn' else 'ok' end;
        detail := format('The last good one is of %s, %s ago.', v_good.began_at, base.format_interval(v_now - v_good.began_at));
        remedy := case when level <> 'ok' then 'reelq backup create, every day; docs/operate.md, Back up' end;
    end if;
    return next;
    if v_good.id is not null then
        -- Verified is meant to be one a week.
        level := case when coalesce(v_verified.verified_at, v_installed) < v_now - interval '10 days' then 'warn' else 'ok' end;
        detail := case
            when v_verified.id is null then 'None of them was ever restored to see that it is whole.'
            else format('The one of %s was restored and compared at %s, on %s.', v_verified.began_at, v_verified.verified_at, v_verified.verified_how)
        end;
        remedy := case when level <> 'ok' then 'reelq backup verify, every week' end;
        return next;
    end if;
end;
$$;

comment on function ops.health_of_backups() is $$
Part of ops.health: when the last good backup was made, when one was last restored and compared, and what failed. Backups are meant to be made every day and one
verified every week: told after two days, and bad after seven; a verification after ten.
$$;
