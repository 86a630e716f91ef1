create or replace function queue.check_pattern(p_pattern text, p_at text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most_length constant integer := 500;
    v_most_states constant numeric := 10000;
    v_group numeric := 1;
    v_states numeric := length(p_pattern);
    v_part text[];
begin
    if length(p_pattern) > v_most_length then
        raise exception '% must have at most % characters, not %', p_at, v_most_length, length(p_pattern) using errcode = 'RQ008', hint = 'Use enum for a list of words.';
    end if;
    -- What all engines read alike: \d and \w hold other letters in each, and a reference back can take for ever.
    if p_pattern ~ $re$\\[A-Za-z0-9]$re$ or p_pattern ~ $re$\(\?[^:]$re$ or p_pattern ~ $re$\[\[[.:=]|\[[^]]*\[[.:=]$re$ or p_pattern ~ $re$^\*\*\*$re$ or p_pattern ~ $re$\{,$re$ then
        raise exception '% must be of characters, ., [ ], ( ), (?: ), |, *, +, ?, { }, ^ and $, not %', p_at, left(p_pattern, 60)
            using errcode = 'RQ008', hint = $re$Write [0-9] for \d and [A-Za-z0-9_] for \w; \ stands before punctuation only.$re$;
    end if;
    -- A repeat is unrolled when the pattern is made ready: repeats of repeats multiply.
    for v_part in select regexp_matches(p_pattern, $re$(\)?)\{([0-9]{1,3}),?([0-9]{0,3})\}$re$, 'g') loop
        if v_part[1] = ')' then
            v_group := v_group * greatest(coalesce(nullif(v_part[3], ''), v_part[2])::numeric, 1);
        else
            v_states := v_states + coalesce(nullif(v_part[3], ''), v_part[2])::numeric;
        end if;
    end loop;
    if v_group * v_states > v_most_states then  -- mutant: a pattern of any cost
        raise exception '% must not repeat repeats so often, as %', p_at, left(p_pattern, 60)
            using errcode = 'RQ008', hint = 'Use + or *, and maxLength for the length.';
    end if;
    perform '' ~ p_pattern collate "C";
exception
    when invalid_regular_expression then
        raise exception '% must be a regular expression, not % (%)', p_at, left(p_pattern, 60), regexp_replace(sqlerrm, '^invalid regular expression: ', '')
            using errcode = 'RQ008', hint = '^[a-z]+$';
end;
$$;

comment on function queue.check_pattern(text, text) is $$
Refuse a pattern in a schema of options that is no regular expression, that Postgres, Python and ECMAScript would read in different ways, or that
would take long to make ready (RQ008). What is left is matched in a time that grows with the text's length, without going back.
$$;
