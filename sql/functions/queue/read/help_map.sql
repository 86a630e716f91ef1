create or replace function queue.help_map()
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_topic integer := 0;
    v_found record;
begin
    for v_found in
        select
            h.place, h.topic, h.function,
            a.required || case when a.required <> '' and a.optional <> '' then ', ' else '' end || a.optional as arguments,
            -- The first sentence of the comment, without line ends.
            substring(
                btrim(regexp_replace(obj_description(p.oid, 'pg_proc'), '[[:space:]]+', ' ', 'g')) from '^.*?[.](?= |$)'
            ) as sentence,
            queue.help_callers(p.oid) as callers
        from queue.help_topics() with ordinality as h (place, topic, function, number)
        inner join pg_catalog.pg_proc as p
            on p.proname = split_part(h.function, '.', 2) and p.pronamespace = to_regnamespace(split_part(h.function, '.', 1))
        cross join lateral (
            select
                coalesce(string_agg(n.name, ', ' order by n.place) filter (where n.place <= p.pronargs - p.pronargdefaults), '') as required,
                coalesce(
                    '[' || string_agg(n.name, ', ' order by n.place) filter (where n.place > p.pronargs - p.pronargdefaults) || ']', ''
                ) as optional
            from unnest(p.proargnames[:p.pronargs]) with ordinality as n (name, place)
        ) as a
        order by h.number, p.oid
    loop
        if v_topic <> v_found.place then
            if v_topic > 0 then
                return next '';
            end if;
            return next upper(v_found.topic collate "C");
            v_topic := v_found.place;
        end if;
        return query select base.wrap_text(format('%s(%s)', v_found.function, v_found.arguments), 2, 4);
        return query select base.wrap_text(format('%s (%s)', v_found.sentence, v_found.callers), 6);
    end loop;
    return query select unnest(array[
        '',
        'In parentheses who may call it, the roles without their reelq_; the owner may',
        'call all. Arguments in brackets have defaults: name those that you give.',
        'One function in full: select * from queue.help(''pause'');',
        'Each at work: docs/psql.md. States, error codes, roles: sql/README.md.'
    ]);
end;
$$;

comment on function queue.help_map() is $$
Part of queue.help: the functions of queue.help_topics with their arguments, what they do and who may call them.
$$;
