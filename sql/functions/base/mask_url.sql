create or replace function base.mask_url(p_url text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_url ~* '^[a-z][a-z0-9+.-]*://' then regexp_replace(p_url, '^([a-z][a-z0-9+.-]*://)(?:[^/@]*@)?([^/?#]*).*$', $re$\1\2/***$re$, 'i')
        when p_url is not null then '/***'
    end;
$$;

comment on function base.mask_url(text) is 'An address as https://host/***, a path as /***. Null in, null out.';
