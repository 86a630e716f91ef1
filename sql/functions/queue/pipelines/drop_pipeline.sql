create or replace function queue.drop_pipeline(p_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_schedule text;
begin
    perform base.check_operator();
    perform from queue.pipelines as p where p.name = p_name for update;
    if not found then
        raise exception 'no pipeline %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ004', hint = 'Known: ' || coalesce((select string_agg(p.name, ', ' order by p.name) from queue.pipelines as p), 'none');
    end if;
    select s.name into v_schedule from queue.schedules as s where s.pipeline = p_name order by s.name limit 1;
    if found then
        raise exception 'pipeline % must be run by no schedule, not by %', quote_literal(left(p_name, 80)), quote_literal(v_schedule)
            using errcode = 'RQ009', hint = format('Remove that first: select queue.drop_schedule(%L), or: reelq schedules remove %s', v_schedule, v_schedule);
    end if;
    delete from queue.pipelines as p where p.name = p_name;
end;
$$;

comment on function queue.drop_pipeline(text) is $$
Remove a pipeline. Runs that have been enqueued go on. The shipped one, standard, comes back with an upgrade of the schema.

Raises
  42501  the caller is no operator
  RQ004  no such pipeline
  RQ009  a schedule runs it
$$;
