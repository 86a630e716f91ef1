create or replace function queue.has_format(p_text text, p_format text)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_parts text[];
begin
    -- Ranges of letters go by code points: in the collation of a database they may hold others.
    if p_format = 'uuid' then
        return p_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' collate "C";
    elsif p_format = 'uri' then
        return p_text ~ $re$^[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#@!$&'()*+,;=[-]|\]|%[0-9A-Fa-f]{2})+\Z$re$ collate "C";
    elsif p_format = 'date-time' then
        v_parts := regexp_match(
            p_text collate "C",
            $re$^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\Z$re$
        );
        return v_parts is not null and v_parts[1] <> '0000'
            and v_parts[3]::integer <= extract(day from make_date(v_parts[1]::integer, v_parts[2]::integer, 1) + interval '1 month' - interval '1 day');
    end if;
    return false;
end;
$$;

comment on function queue.has_format(text, text) is $$
Whether a text has a format of queue.job_types.options_schema: uuid, date-time (RFC 3339, without leap seconds), uri (RFC 3986, absolute).
$$;
