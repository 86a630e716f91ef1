create or replace function ops.health_of_audit()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_open text;
    v_unheard text;
    v_until timestamptz;
begin
    -- Whoever owns a table can take its triggers away. Then it has to be seen.
    select string_agg(g.relation::text, ', ' order by g.relation::text) into v_open
    from (
        select 'ops.audit_logs'::regclass as relation
        union all
        select p.partition from base.partitions('ops.audit_logs') as p
    ) as g
    where 2 <> (
        select count(*) from pg_catalog.pg_trigger as t
        where t.tgrelid = g.relation and t.tgname in ('guard_audit', 'guard_truncate') and t.tgenabled = 'A'
            and t.tgfoid = to_regprocedure('ops.tg_guard_audit()')
    );
    if v_open is not null then
        return query
        select
            'audit', 'bad', format('What was done can be rewritten: no guard on %s', v_open),
            'Find out who took it away (server log); then make again what sql/functions/ops/audit/tg_guard_audit.sql says.';
    end if;
    select string_agg(a.table_name || ' ' || event, ', ' order by a.table_name, event) into v_unheard
    from ops.audited_tables() as a
    cross join lateral unnest(string_to_array(a.events, ' ')) as event
    where
        to_regclass(a.table_name) is not null
        and not exists (
            select from pg_catalog.pg_trigger as t
            where t.tgrelid = to_regclass(a.table_name) and t.tgfoid = to_regprocedure('ops.tg_audit()') and t.tgname = 'audit_' || event and t.tgenabled = 'A'
        );
    if v_unheard is not null then
        return query
        select
            'audit', 'bad', format('Changes that nobody hears of: %s', v_unheard),
            'As the owner: select ops.attach_audit()';
    end if;
    -- Without a partition of this month the first act makes one, and whoever writes an act meanwhile waits for its transaction: every log-in.
    select max(p.until) into v_until from base.partitions('ops.audit_logs') as p where not p.detaching;
    if v_until is null or v_until <= base.clock() + interval '7 days' then  -- mutant: nobody looks at the months of the audit
        return query
        select
            'audit partitions', case when v_until is null or v_until <= base.clock() then 'bad' else 'warn' end,
            case
                when v_until is null then 'ops.audit_logs has no partition: an act of one session can make all others wait'
                else format('The partitions of ops.audit_logs reach until %s; after that an act of one session can make all others wait', v_until)
            end,
            'reelq partitions maintain, hourly: docs/operate.md, Upkeep.';
    else
        return query select 'audit partitions', 'ok', format('The partitions of ops.audit_logs reach until %s', v_until), null::text;
    end if;
    if v_open is null and v_unheard is null then
        return query select 'audit', 'ok', 'Sensitive tables are heard, and no act can be changed.', null::text;
    end if;
end;
$$;

comment on function ops.health_of_audit() is $$
Part of ops.health: whether the triggers stand that write the audit, and those that guard it, and whether there is a partition for the days to come.
$$;
