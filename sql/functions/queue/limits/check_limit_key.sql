create or replace function queue.check_limit_key(p_key text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text := split_part(p_key, ':', 1);
    v_name text := substring(p_key from position(':' in p_key) + 1);
    v_id text;
begin
    if v_kind = 'type' and exists (select from queue.job_types as t where t.job_type = v_name) then
        return p_key;
    elsif v_kind = 'type' then
        raise exception 'no job type %', quote_literal(v_name) using errcode = 'RQ003', hint = 'Look with: reelq job-types list, or queue.job_types.';
    elsif p_key = 'tenant:*' then
        return p_key;
    elsif v_kind = 'tenant' then
        select t.id::text into v_id from identity.tenants as t where t.slug = v_name or t.id::text = v_name;
        if not found then
            raise exception 'no tenant %', quote_literal(v_name) using errcode = 'RQ004', hint = 'Look with: reelq tenants list, or identity.tenants.';
        end if;
        return 'tenant:' || v_id;
    elsif v_kind = 'name' and v_name ~ '^[a-z0-9][a-z0-9_.:-]{0,99}$' then
        return p_key;
    elsif v_kind = 'name' and v_name ~ '^[a-z0-9-]{1,50}/[a-z0-9][a-z0-9_.:-]{0,99}$' then
        select t.id::text into v_id from identity.tenants as t where split_part(v_name, '/', 1) in (t.slug, t.id::text);
        if not found then
            raise exception 'no tenant %', quote_literal(split_part(v_name, '/', 1))
                using errcode = 'RQ004', hint = 'Look with: reelq tenants list, or identity.tenants.';
        end if;
        return 'name:' || v_id || '/' || split_part(v_name, '/', 2);
    end if;
    raise exception 'limit key must be type:<job type>, tenant:<slug or id>, tenant:*, name:<word> or name:<tenant>/<word>, not %', coalesce(quote_literal(left(p_key, 80)), 'null')
        using errcode = 'RQ008', hint = 'tenant:* is for all tenants that have no limit of their own; a word is of a-z, 0-9 and _ . : -';
end;
$$;

comment on function queue.check_limit_key(text) is $$
A key of queue.limits as it is stored: tenants by id.

Raises
  RQ003  no such job type
  RQ004  no such tenant
  RQ008  no key of a limit
$$;
