create or replace function base.mask_message(p_text text)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text := left(p_text, 2000);
    v_found record;
begin
    -- Of an address its host, of a path nothing: file names are what people chose, and links may let whoever has them in.
    v_text := regexp_replace(v_text, $re$([a-z][a-z0-9+.-]*://)(?:[^\s/@'"]*@)?([^\s/?#'"]*)[^\s'"]*$re$, $re$\1\2/***$re$, 'gi');
    v_text := regexp_replace(v_text, $re$(^|[\s'"(=,])/(?!/)[^\s'"):,]+$re$, $re$\1/***$re$, 'g');
    v_text := regexp_replace(v_text, $re$[^\s'"/=]+\.(mp4|mov|mkv|webm|avi|m4v|mpe?g|mp3|wav|flac|m4a|aac|ogg|jpe?g|png|gif|webp|heic|pdf|srt|vtt)\M$re$, $re$***.\1$re$, 'gi');
    for v_found in select f.kind, f.value from base.find_pii(v_text) as f loop
        v_text := replace(v_text, v_found.value, base.mask_pii(v_found.kind, v_found.value));
    end loop;
    return v_text;
end;
$$;

comment on function base.mask_message(text) is $$
An error's message, fit for support: its first 2,000 characters, with paths, file names and what base.find_pii knows masked, and of addresses the host alone. The words stay.
Null in, null out.
$$;
