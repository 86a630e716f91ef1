create or replace function media.begin_object(
    p_tenant_id uuid,
    p_bucket text,
    p_key text,
    p_mime text default null,
    p_job_id uuid default null,
    p_attempt integer default null
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if not base.may_act_for(p_tenant_id) then
        raise exception 'no tenant %', coalesce(p_tenant_id::text, 'null')
            using errcode = 'RQ004', hint = 'Bytes are of the tenant that the caller acts for.';
    end if;
    if coalesce(p_bucket, '') = '' or coalesce(p_key, '') = '' then
        raise exception 'an object must have a bucket and a key, not % and %',
            coalesce(quote_literal(left(p_bucket, 80)), 'null'), coalesce(quote_literal(left(p_key, 80)), 'null')
            using errcode = 'RQ008', hint = 'The bucket as the store calls itself, file:///folder or s3://bucket.';
    end if;

    insert into media.objects as o (tenant_id, bucket, key, mime, job_id, attempt)
    values (p_tenant_id, p_bucket, p_key, p_mime, p_job_id, p_attempt)
    on conflict (bucket, key) do update
    set mime = excluded.mime
    -- The same attempt again, whose answer was lost.
    where
        o.state = 'writing' and o.tenant_id is not distinct from excluded.tenant_id
        and (o.job_id, o.attempt) is not distinct from (excluded.job_id, excluded.attempt)
    returning o.id into v_id;

    if v_id is null then
        raise exception 'the key % must be free, and another object has it', left(p_key, 200)
            using errcode = 'RQ009', hint = 'Objects are never written twice: put the job and its attempt into the key.';
    end if;
    return v_id;
end;
$$;

comment on function media.begin_object(uuid, text, text, text, uuid, integer) is $$
Register an object that is about to be written; return its id. To be committed before the first byte is put: so nothing lies in a store without a row, whatever is
killed. The same again, by the same attempt, is the same object. Workers call queue.begin_object, which asks for the lease.

Arguments
  p_tenant_id  whose bytes they are; null: of a job without a tenant
  p_bucket     as the store calls itself, file:///folder or s3://bucket
  p_mime       media type; null: none
  p_job_id     the job that writes it, and p_attempt the token under which; null: no job

Raises
  RQ004  not a tenant of the caller
  RQ008  no bucket or no key
  RQ009  another object has the key
$$;
