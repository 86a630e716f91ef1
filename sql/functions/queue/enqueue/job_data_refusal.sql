create or replace function queue.job_data_refusal(p_job_data jsonb)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most_bytes integer;
    v_most_levels constant integer := 64;  -- a reader in Python gives up at a thousand
    v_text text := p_job_data::text;
    v_bytes integer := octet_length(v_text);
    -- By the number of opening brackets; replace() is ten times as fast as translate().
    v_flat boolean := 2 * v_bytes - octet_length(replace(v_text, '[', '')) - octet_length(replace(v_text, '{', '')) <= v_most_levels;
begin
    if jsonb_typeof(p_job_data) <> 'object' then
        return array[
            'RQ008', format('job_data must be a JSON object, not %s', jsonb_typeof(p_job_data)),
            'Write it as {"key": value}.'
        ];
    end if;
    -- So few characters hold no number of 300 digits. (queue.tg_fill_job and queue.enqueue_jobs ask this before they call.)
    if v_flat and v_bytes <= 300 then
        return null;
    end if;
    v_most_bytes := queue.setting('job_data_bytes')::integer;
    if v_bytes > v_most_bytes then  -- mutant: job_data of any size
        return array[
            'RQ008', format('job_data must have at most %s bytes, not %s', v_most_bytes, v_bytes),
            'Store what is large as an object and name its key.'
        ];
    end if;
    if not v_flat and jsonb_path_exists(p_job_data, ('strict $.**{' || v_most_levels + 1 || '}')::jsonpath) then  -- mutant: job_data of any depth
        return array[
            'RQ008', format('job_data must be nested at most %s levels deep, not deeper', v_most_levels),
            'Flatten it, or store it as an object and name its key.'
        ];
    end if;
    -- JSON's readers take numbers for doubles, or refuse whole ones of thousands of digits.
    -- Postgres writes all digits of a number, so that only a text with many in a row needs a look at each number.
    if v_text ~ '[0-9]{200}' and jsonb_path_exists(
        p_job_data,
        'strict $.** ? (@.type() == "number" && (@ > 1e300 || @ < -1e300 || (@ != 0 && @ < 1e-300 && @ > -1e-300)))'
    ) then  -- mutant: numbers of any size
        return array[
            'RQ008', 'numbers in job_data must be 0, or 1e-300 to 1e300 in size, not larger or smaller',
            'Write such a number as text.'
        ];
    end if;
    return null;
end;
$$;

comment on function queue.job_data_refusal(jsonb) is $$
Why job_data is refused that a worker or another reader of JSON might not survive: no object, larger than the setting job_data_bytes
(300 bytes are always allowed), nested more than 64 levels deep, or with numbers that a double cannot hold: {RQ008, message, hint}; null: all is well.
$$;
