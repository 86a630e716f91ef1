create or replace function queue.set_setting(p_name text, p_value text)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_value text := trim(p_value);
    v_fits boolean := false;
begin
    perform base.check_operator();
    -- The present value tells the kind of the setting: a number or a time.
    if queue.setting(p_name) ~ '^[0-9]+$' then
        v_fits := v_value ~ '^[1-9][0-9]{0,8}$';
    elsif v_value !~ '^[0-9.]+$' then -- Postgres would read a bare number as seconds
        begin
            v_fits := v_value::interval between interval '1 second' and interval '100 years';
        exception
            when data_exception then
                v_fits := false;
        end;
    end if;
    if v_fits is not true then
        raise exception '% must be %, not %', p_name,
            case when queue.setting(p_name) ~ '^[0-9]+$' then 'a whole number from 1' else 'a time of 1 second to 100 years with its unit' end,
            coalesce(quote_literal(left(p_value, 80)), 'null')
            using errcode = 'RQ008', hint = format('Write it as the present value is written: %s', queue.setting(p_name));
    end if;
    update queue.settings as s set value = v_value where s.name = p_name;
    return v_value;
end;
$$;

comment on function queue.set_setting(text, text) is $$
Change a setting of the queue; it holds from the next call of whatever reads it. Returns the value.
  select queue.set_setting('archive_after', '2 days');

Raises
  RQ008  no such setting, or a value that is neither a time of at least a second (at most 100 years) nor a number
         from 1, whichever the setting is
  42501  the caller acts for a tenant
$$;
