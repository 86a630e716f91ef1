create or replace function queue.help(p_function text default null)
returns setof text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if p_function is null then
        return query select queue.help_map();
    else
        return query select queue.help_function(p_function);
    end if;
end;
$$;

comment on function queue.help(text) is $$
The functions that applications and operators call, in groups, each with its arguments, the first sentence of its comment and who
may call it; or all that is known of one function of any room. Lines fit a terminal of 80 columns.

  select * from queue.help();
  select * from queue.help('pause');

Arguments
  p_function  a name, with or without its room; null: the map

Raises
  RQ004  no such function
$$;
