create or replace function queue.pipeline_order(p_pipeline text)
returns table (step text, place integer)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_done text[] := array[]::text[];
    v_next text[];
    v_step text;
    v_unknown text;
    v_way text[];
begin
    select s.step, a into v_step, v_unknown
    from queue.pipeline_steps as s cross join lateral unnest(s.after) as a
    where s.pipeline = p_pipeline
        and not exists (select from queue.pipeline_steps as p where p.pipeline = p_pipeline and p.step = a)
    order by s.step, a limit 1;
    if found then
        raise exception 'step % waits for %, and pipeline % has no such step', quote_literal(v_step), quote_literal(v_unknown), p_pipeline
            using errcode = 'RQ005', hint = 'Name steps of the same pipeline in `after`.';
    end if;
    loop
        v_next := array(
            select s.step from queue.pipeline_steps as s
            where s.pipeline = p_pipeline and s.step <> all(v_done) and s.after <@ v_done
            order by s.step
        );
        exit when v_next = '{}';
        return query select n.step, cardinality(v_done) + n.nth::integer from unnest(v_next) with ordinality as n (step, nth);
        v_done := v_done || v_next;
    end loop;
    if exists (select from queue.pipeline_steps as s where s.pipeline = p_pipeline and s.step <> all(v_done)) then
        -- What is left waits for something that is left: whoever goes from one to the next comes to a step for the second time.
        v_next := array(select s.step from queue.pipeline_steps as s where s.pipeline = p_pipeline and s.step <> all(v_done) order by s.step limit 1);
        loop
            exit when v_next[1] = any(v_way);
            v_way := v_way || v_next;
            v_next := array(
                select a from queue.pipeline_steps as s cross join lateral unnest(s.after) as a
                where s.pipeline = p_pipeline and s.step = v_next[1] and a <> all(v_done) order by a limit 1
            );
        end loop;
        raise exception 'steps of pipeline % must not wait for one another in a circle: %', p_pipeline,
            array_to_string(v_way[array_position(v_way, v_next[1]):] || v_next, ' waits for ')
            using errcode = 'RQ006', hint = 'Leave out one of the edges in `after`.';
    end if;
end;
$$;

comment on function queue.pipeline_order(text) is $$
The steps of a pipeline, each after those it waits for.

Raises
  RQ005  a step waits for one that does not exist
  RQ006  a circle
$$;
