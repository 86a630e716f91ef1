create or replace function queue.setting(p_name text)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_value text;
begin
    select s.value into v_value from queue.settings as s where s.name = p_name;
    if not found then
        raise exception 'no setting %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ008', hint = 'Known: ' || (select string_agg(s.name, ', ' order by s.name) from queue.settings as s);
    end if;
    return v_value;
end;
$$;

comment on function queue.setting(text) is $$
The value of a setting of the queue, as text: select queue.setting('archive_after')::interval;

Raises
  RQ008  no such setting
$$;
