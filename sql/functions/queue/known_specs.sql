create or replace function queue.known_specs(p_specs jsonb)
returns uuid[]
language plpgsql
stable
set search_path = ''
set jit = off
as $$
begin
    if not exists (select from jsonb_array_elements(p_specs) as s where s ->> 'idempotency_key' is not null) then
        return '{}';
    end if;
    return array(
        select queue.known_job(
            coalesce(
                (s.spec ->> 'tenant_id')::uuid,
                (select v.tenant_id from media.videos as v where v.id = (s.spec ->> 'video_id')::uuid)
            ),
            s.spec ->> 'idempotency_key'
        )
        from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
        order by s.n
    );
end;
$$;

comment on function queue.known_specs(jsonb) is $$
For each spec of queue.enqueue_jobs the job that has its idempotency key already; null: it is new.

Raises
  RQ004  a key of a tenant for which the caller may not act
$$;
