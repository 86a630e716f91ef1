create or replace function queue.check_pause(p_scope text, p_key text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := coalesce(p_key, '');
begin
    if p_scope is null or p_scope not in ('all', 'job_type', 'tenant', 'channel', 'input') then
        raise exception 'scope must be all, job_type, tenant, channel or input, not %', coalesce(quote_literal(left(p_scope, 80)), 'null')
            using errcode = 'RQ008', hint = 'A suspended tenant is no pause by hand: reelq tenants activate SLUG, or select identity.set_tenant_status(SLUG, ''active'').';
    elsif (p_scope = 'all') <> (v_key = '') then
        raise exception 'key of scope % must be %, not %',
            p_scope, case when p_scope = 'all' then 'empty' else 'given' end, coalesce(quote_literal(left(p_key, 80)), 'null')
            using errcode = 'RQ008', hint = 'As in queue.pause(''job_type'', ''video_transcode'', ''the encoder is being upgraded'').';
    elsif p_scope = 'job_type' then
        perform from queue.job_types as t where t.job_type = v_key;
        if not found then
            raise exception 'no job type %', quote_literal(v_key)
                using errcode = 'RQ003', hint = 'Look with: reelq job-types list, or queue.job_types.';
        end if;
    elsif p_scope = 'tenant' then
        select t.id::text into v_key from identity.tenants as t where t.slug = v_key or t.id::text = v_key;
        if not found then
            raise exception 'no tenant %', quote_literal(left(p_key, 80)) using errcode = 'RQ004', hint = 'Look with: reelq tenants list, or identity.tenants.';
        end if;
    elsif v_key !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' and p_scope in ('channel', 'input') then
        raise exception 'key of scope % must be an id, not %', p_scope, quote_literal(v_key)
            using errcode = 'RQ008', hint = 'The id of a channel, or of an asset whose jobs are meant.';
    end if;
    return lower(v_key collate "C");
end;
$$;

comment on function queue.check_pause(text, text) is $$
The key of a pause as it is stored: a tenant by slug or id, an id in lower case, nothing for all.

Raises
  RQ003  no such job type
  RQ004  no such tenant
  RQ008  unknown scope, or a key that makes no sense with it
$$;
