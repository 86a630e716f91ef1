create or replace function queue.find_by_idempotency_keys(p_specs jsonb)
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_owners uuid[];
    v_place bigint;
begin
    if not exists (select from jsonb_array_elements(p_specs) as s where s ->> 'idempotency_key' is not null) then
        return '{}';
    end if;
    v_owners := array(
        select
            case when s.spec ->> 'idempotency_key' is not null then
                queue.resolve_tenant((s.spec ->> 'tenant_id')::uuid, (s.spec ->> 'video_id')::uuid, (s.spec ->> 'asset_id')::uuid)
            end
        from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
        order by s.n
    );
    select min(s.n) into v_place
    from rows from (jsonb_array_elements(p_specs), unnest(v_owners)) with ordinality as s (spec, owner, n)
    where s.spec ->> 'idempotency_key' is not null
    group by s.owner, s.spec ->> 'idempotency_key'
    having count(*) > 1
    limit 1;
    if found then
        raise exception 'idempotency_key of spec % must not stand twice', v_place
            using errcode = 'RQ008', hint = 'Each names one job of the call.';
    end if;
    return array(
        select queue.find_by_idempotency_key(s.owner, s.spec ->> 'idempotency_key')
        from rows from (jsonb_array_elements(p_specs), unnest(v_owners)) with ordinality as s (spec, owner, n)
        order by s.n
    );
end;
$$;

comment on function queue.find_by_idempotency_keys(jsonb) is $$
For each spec of queue.enqueue_jobs the job that has its idempotency key already; null: it is new.

Raises
  RQ004  a key of a tenant for which the caller may not act
  RQ008  a key that stands twice for a tenant
$$;
