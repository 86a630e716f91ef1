create or replace function queue.cron_field(p_field text, p_name text, p_least integer, p_most integer, p_names text[] default '{}')
returns integer[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_part text;
    v_match text[];
    v_from integer;
    v_to integer;
    v_step integer;
    v_word integer;
    v_text text := lower(p_field collate "C");
    v_values integer[] := '{}';
begin
    for v_word in 1..cardinality(p_names) loop
        v_text := regexp_replace(v_text, $re$\m$re$ || p_names[v_word] || $re$\M$re$, (p_least + v_word - 1)::text, 'g');
    end loop;
    foreach v_part in array string_to_array(v_text, ',') loop
        if v_part = 'l' and p_name = 'day' then
            v_values := v_values || 32;
            continue;
        end if;
        v_match := regexp_match(v_part, $re$^(?:(\*)|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?\Z$re$);
        v_step := coalesce(v_match[4]::integer, 1);
        v_from := case when v_match[1] = '*' then p_least else v_match[2]::integer end;
        -- 5/10 is 5-59/10, as in Vixie's cron.
        v_to := case when v_match[1] = '*' or (v_match[3] is null and v_match[4] is not null) then p_most else coalesce(v_match[3]::integer, v_from) end;
        if v_match is null or v_step < 1 or v_from < p_least or v_to > p_most or v_from > v_to then
            raise exception '% of a schedule must be * or numbers from % to %, with - , and /%, not %',
                p_name, p_least, p_most, case when p_name = 'day' then ', or L for the last one' else '' end, quote_literal(p_field)
                using errcode = 'RQ008', hint = 'As in a crontab: "15 3 * * 1-5" is 3:15 from Monday to Friday, "*/10 * * * *" every ten minutes.';
        end if;
        v_values := v_values || array(select generate_series(v_from, v_to, v_step));
    end loop;
    return array(select distinct v from unnest(v_values) as v order by v);
end;
$$;

comment on function queue.cron_field(text, text, integer, integer, text[]) is $$
The numbers that one field of a cron expression stands for, ascending: *, 5, 1-5, */10, 1-30/5, lists of these, and names. L among
the days is the last day of the month, and stands as 32.

Arguments
  p_name          what the field is called in an error
  p_least, p_most the numbers that it may have
  p_names         words that stand for p_least, p_least + 1, …

Raises
  RQ008  it is none of these
$$;
