create or replace function ops.redact_json(p_value jsonb, p_is_about boolean, p_table regclass, p_values text[])
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text;
begin
    if jsonb_typeof(p_value) = 'object' then
        return coalesce((
            select jsonb_object_agg(e.key, case
                when e.value = 'null' then e.value
                when p_is_about and case
                    when ops.column_class(p_table, e.key) is not null then ops.column_class(p_table, e.key) in ('personal', 'secret')
                    else e.key ~ '(^|_)(email|e_mail|username|name|phone|address|ip|agent|device|avatar|location|city|country|birthday)(_|$)'
                end then '"(erased)"'
                else ops.redact_json(e.value, p_is_about, p_table, p_values)
            end)
            from jsonb_each(p_value) as e
        ), '{}');
    elsif jsonb_typeof(p_value) = 'array' then
        return coalesce((
            select jsonb_agg(ops.redact_json(e.value, p_is_about, p_table, p_values) order by e.place)
            from jsonb_array_elements(p_value) with ordinality as e (value, place)
        ), '[]');
    elsif jsonb_typeof(p_value) = 'string' then
        v_text := lower(p_value #>> '{}');
        if exists (select from unnest(p_values) as v where position(v in v_text) > 0) then
            return '"(erased)"';
        end if;
    end if;
    return p_value;
end;
$$;

comment on function ops.redact_json(jsonb, boolean, regclass, text[]) is $$
JSON of the audit with "(erased)" for what is personal; see ops.redacted_act.

Arguments
  p_is_about  whether the act is about the person, so that all personal columns are theirs
  p_table     the table whose columns the keys are; null: the keys' names tell
  p_values    texts in small letters: what holds one of them is erased
$$;
