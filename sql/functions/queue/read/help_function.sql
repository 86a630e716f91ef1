create or replace function queue.help_function(p_function text)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text := btrim(split_part(p_function, '(', 1));
    v_found record;
    v_part text;
    v_first boolean := true;
begin
    for v_found in
        select
            p.oid, s.nspname || '.' || p.proname as name, pg_get_function_arguments(p.oid) as arguments,
            pg_get_function_result(p.oid) as result, btrim(obj_description(p.oid, 'pg_proc'), e' \n') as manual
        from pg_catalog.pg_proc as p
        inner join pg_catalog.pg_namespace as s on s.oid = p.pronamespace
        where
            v_name in (p.proname, s.nspname || '.' || p.proname)
            -- the rooms, as they are installed here
            and s.nspname in (select substring(l.path from '^schema/[0-9]+_([a-z_]+)/') from base.schema_ledger as l)
        order by s.nspname <> 'queue', s.nspname, p.oid
    loop
        if not v_first then
            return next '';
        end if;
        v_first := false;
        return query select base.wrap_text(format('%s(%s)', v_found.name, v_found.arguments), 0, 4);
        return query select base.wrap_text(format('returns %s', v_found.result), 4, 4);
        return query select base.wrap_text(format('may be called by %s', queue.help_callers(v_found.oid)), 4, 4);
        return next '';
        -- Lines that are not indented make paragraphs, the others stand for themselves.
        for v_part in
            select p.part from regexp_split_to_table(regexp_replace(v_found.manual, $re$(\S)\n(?=\S)$re$, $re$\1 $re$, 'g'), $re$\n$re$) as p (part)
        loop
            return query
            select base.wrap_text(v_part, length(substring(v_part from '^ *')), case when v_part like '  %' then 4 else 0 end);
        end loop;
    end loop;
    if v_first then
        raise exception 'no function %', quote_literal(left(p_function, 80))
            using errcode = 'RQ004', hint = $hint$select * from queue.help() lists those that are called most; \df queue.* lists all.$hint$;
    end if;
end;
$$;

comment on function queue.help_function(text) is $$
Part of queue.help: signature, callers and comment of a function, or of all of that name.

Raises
  RQ004  no such function
$$;
