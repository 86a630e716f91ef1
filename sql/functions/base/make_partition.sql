create or replace function base.make_partition(p_parent regclass, p_month date)
returns regclass
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_since timestamptz := date_trunc('month', p_month::timestamp);
    v_until timestamptz := v_since + interval '1 month';
    v_parent record;
    v_name text;
    v_free text;
    v_number integer := 1;
    v_trigger record;
begin
    select c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relkind, s.nspname, pg_get_userbyid(c.relowner) as owner
    into v_parent
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
    where c.oid = p_parent;
    if v_parent.relkind is distinct from 'p' or p_month is null then
        raise exception '% must be a partitioned table and the month be given, not %', p_parent, coalesce(p_month::text, 'null')
            using errcode = 'RQ008', hint = 'Partitions are made for tables with PARTITION BY RANGE of a time.';
    end if;

    -- Take the lock of ATTACH before looking: of two makers the second then finds what the first has made. It blocks neither readers
    -- nor writers, but an ANALYZE of the table may hold it for minutes.
    execute format('lock table %s in share update exclusive mode', p_parent);
    if exists (select from base.partitions(p_parent) as p where p.since <= v_since and p.until >= v_until and not p.detaching) then
        return null;
    end if;

    -- A table with the month's name may exist: detached, and waiting for its drop.
    v_name := format('%s_%s', v_parent.relname, to_char(v_since, 'YYYY_MM'));
    v_free := v_name;
    while to_regclass(format('%I.%I', v_parent.nspname, v_free)) is not null loop
        v_number := v_number + 1;
        v_free := format('%s_%s', v_name, v_number);
    end loop;
    v_name := format('%I.%I', v_parent.nspname, v_free);
    -- An identity is the parent's alone: from 17 on ATTACH hands it down and refuses a table that has one of its own.
    execute format('create table %s (like %s including all excluding identity)', v_name, p_parent);
    if v_parent.owner <> current_user then
        execute format('alter table %s owner to %I', v_name, v_parent.owner);
    end if;
    -- Partitions do not inherit row security; set it, so that nobody can pass by the policies by reading a partition.
    if v_parent.relrowsecurity then
        execute format('alter table %s enable row level security', v_name);
        -- A dump by the owner reads partitions one by one.
        execute format('create policy owner_sees_all on %s to %I using (true) with check (true)', v_name, v_parent.owner);
    end if;
    if v_parent.relforcerowsecurity then
        execute format('alter table %s force row level security', v_name);
    end if;
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', p_parent, v_name, v_since, v_until);
    -- Triggers of rows come with ATTACH. What refuses a TRUNCATE does not, and would be passed by through the partition.
    for v_trigger in
        select t.tgname, t.tgfoid::regproc as function, t.tgenabled = 'A' as is_always
        from pg_catalog.pg_trigger as t
        where t.tgrelid = p_parent and not t.tgisinternal and t.tgtype & 32 = 32 and t.tgtype & 2 = 2
    loop
        execute format('create trigger %I before truncate on %s for each statement execute function %s()', v_trigger.tgname, v_name, v_trigger.function);  -- mutant: a partition may be truncated
        if v_trigger.is_always then
            execute format('alter table %s enable always trigger %I', v_name, v_trigger.tgname);
        end if;
    end loop;
    return v_name::regclass;
end;
$$;

comment on function base.make_partition(regclass, date) is $$
Make the partition of a month (UTC) that holds p_month. Returns the new table; null when there is one already. Readers
and writers of the parent are not blocked. Another session that makes partitions of it, or analyses it, is waited for as long
as the caller's lock_timeout says. A foreign key of the parent makes it wait in the same way for writers of the table
that it refers to, and hold up the next ones until the transaction ends.

The partition has the parent's defaults, checks, indexes, generated columns, row security, foreign keys and triggers (also those before TRUNCATE); a column
that is an identity is numbered by the parent.

Raises
  RQ008  the table is not partitioned, or no month
  55P03  that time is up: try again
  42P17  an odd partition covers a part of the month, or is being detached
$$;
