create or replace function ops.attach_audit()
returns setof text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
    v_event text;
    v_columns text[];
    v_keys text;
    v_ignored text;
    v_has record;
    v_wanted text;
begin
    -- What a transaction has put off to its end, as the check of a pipeline's graph, would stand in the way of a trigger.
    set constraints all immediate;
    for v_table in
        select a.*, to_regclass(a.table_name) as relation from ops.audited_tables() as a
        where to_regclass(a.table_name) is not null
    loop
        select string_agg(a.attname, ',' order by array_position(i.indkey::smallint[], a.attnum)) into v_keys
        from pg_catalog.pg_index as i
        inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey::smallint[])
        where i.indrelid = v_table.relation and i.indisprimary;
        v_columns := array(
            select a.attname::text from pg_catalog.pg_attribute as a
            where
                a.attrelid = v_table.relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                and case
                    when v_table.only_columns is null then a.attname <> all(v_table.except_columns || '{created_at,updated_at}')
                    else a.attname = any(v_table.only_columns)
                end
            order by a.attnum
        );
        v_ignored := array_to_string(v_table.except_columns || '{updated_at}'::text[], ',');
        foreach v_event in array string_to_array(v_table.events, ' ') loop
            continue when v_columns = '{}' and v_event = 'update';
            -- What is as it should be is left alone: making a trigger locks the table.
            v_wanted := concat_ws(' ', v_event, case when v_event = 'update' then array_to_string(v_columns, ',') end, v_table.entity_type, v_keys, v_ignored, v_table.condition);
            select t.oid, obj_description(t.oid, 'pg_trigger') as comment into v_has
            from pg_catalog.pg_trigger as t
            where t.tgrelid = v_table.relation and t.tgname = 'audit_' || v_event and t.tgfoid = to_regprocedure('ops.tg_audit()') and t.tgenabled = 'A';
            continue when v_has.comment = md5(v_wanted);
            execute format(
                '%s on %s for each row %s execute function ops.tg_audit(%L, %L, %L)',
                case v_event
                    when 'insert' then 'create or replace trigger audit_insert after insert'
                    when 'delete' then 'create or replace trigger audit_delete after delete'
                    else 'create or replace trigger audit_update after update of ' || (select string_agg(quote_ident(c), ', ') from unnest(v_columns) as c)
                end,
                v_table.relation,
                case
                    when v_event <> 'update' and v_table.condition is not null
                        then format('when (%s)', replace(v_table.condition, '(row)', case v_event when 'insert' then 'new' else 'old' end))
                    else ''
                end,
                v_table.entity_type, v_keys, v_ignored
            );
            execute format('alter table %s enable always trigger %I', v_table.relation, 'audit_' || v_event);
            execute format('comment on trigger %I on %s is %L', 'audit_' || v_event, v_table.relation, md5(v_wanted));
            return next format('%s %s', v_table.table_name, v_event);
        end loop;
    end loop;
end;
$$;

comment on function ops.attach_audit() is $$
Put the triggers of the audit (audit_insert, audit_update, audit_delete) on the tables of ops.audited_tables that are there, where they are
missing or differ; they fire in replication too. Returns what it made. For the owner; sql/grants.sql calls it, so that a table that comes later has them.
$$;
