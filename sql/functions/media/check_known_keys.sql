create or replace function media.check_known_keys(p_what text, p_given jsonb, p_known text[])
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_unknown text;
begin
    if p_given is null or jsonb_typeof(p_given) <> 'object' then
        raise exception '% must be a JSON object, not %', p_what, coalesce(jsonb_typeof(p_given), 'null')
            using errcode = 'RQ008', hint = 'Known keys: ' || array_to_string(p_known, ', ') || '.';
    end if;

    select string_agg(quote_ident(name), ', ' order by name)
    into v_unknown
    from jsonb_object_keys(p_given) as name
    where not name = any(p_known);

    if v_unknown is not null then
        raise exception '% must have known keys only, not %', p_what, v_unknown
            using errcode = 'RQ008', hint = 'Known keys: ' || array_to_string(p_known, ', ') || '.';
    end if;
end;
$$;

comment on function media.check_known_keys(text, jsonb, text[]) is $$
Refuse JSON that is no object or has a key that no column takes: a misspelt key would be lost in silence.

Arguments
  p_what   how the message calls the JSON

Raises
  RQ008  not an object, or an unknown key
$$;
