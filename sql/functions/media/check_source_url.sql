create or replace function media.check_source_url(p_source_url text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_scheme text := lower(substring(p_source_url from '^([A-Za-z][A-Za-z0-9+.-]*)://'));
    v_rest text := substring(p_source_url from '^[A-Za-z][A-Za-z0-9+.-]*://(.*)$');
    v_shown text := case when length(p_source_url) > 100 then left(p_source_url, 99) || '…' else p_source_url end;
    v_must text;
begin
    if coalesce(p_source_url, '') = '' or length(p_source_url) > 8192 then
        raise exception 'source must have 1 to 8192 characters, not %', coalesce(length(p_source_url), 0)
            using errcode = 'RQ008', hint = 'Give a path on the workers'' hosts, or a URL that begins with http://, https:// or s3://.';
    end if;
    -- As the worker reads them: what it would refuse for good is told now.
    if v_scheme in ('http', 'https') then
        if v_rest !~ $re$^([^/?#@]*@)?([A-Za-z0-9._-]+|([A-Za-z0-9._-]|[^ -~])+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?#]|$)$re$ or v_rest ~ $re$[\x01-\x20\x7f]$re$ then
            v_must := 'be a whole URL, as https://host/path';
        end if;
    elsif v_scheme = 's3' then
        if v_rest !~ '^[A-Za-z0-9][A-Za-z0-9._-]{1,62}/.' then
            v_must := 'name a bucket and a key, as s3://bucket/key';
        end if;
    elsif v_scheme = 'file' then
        if v_rest !~ '^(localhost)?/.' then
            v_must := 'name a full path, as file:///srv/in/clip.mp4';
        end if;
    elsif v_scheme is not null then
        v_must := 'be of http, https, s3 or file';
    elsif p_source_url !~ '^/[^/]' then
        v_must := 'be a full path, or a URL with its scheme';
    end if;
    if v_must is not null then
        raise exception 'source must %, not %', v_must, to_jsonb(v_shown)
            using errcode = 'RQ008', hint = 'Give a path on the workers'' hosts from the root, or a URL that begins with http://, https:// or s3://.';
    end if;
end;
$$;

comment on function media.check_source_url(text) is $$
Refuse a source that no worker would fetch: /a/full/path, file:///a/full/path, http://host/…, https://host/… and s3://bucket/key are taken.
Whether it is there, and below a folder that sources may lie in, is for the worker to see.

Raises
  RQ008  a relative path or URL, another scheme, no host, no bucket or key
$$;
