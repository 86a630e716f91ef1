create or replace function media.register_object(
    p_tenant_id uuid,
    p_bucket text,
    p_key text,
    p_size_bytes bigint,
    p_sha256 text,
    p_mime text default null,
    p_job_id uuid default null,
    p_attempt integer default null
)
returns uuid
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_object media.objects;
begin
    insert into media.objects as o (tenant_id, bucket, key, mime, job_id, attempt)
    values (p_tenant_id, p_bucket, p_key, p_mime, p_job_id, p_attempt)
    on conflict (bucket, key) do nothing;
    select * into v_object from media.objects as o where o.bucket = p_bucket and o.key = p_key for no key update;
    if v_object.state = 'stored' then
        if (p_size_bytes, p_sha256) is distinct from (v_object.size_bytes, v_object.sha256)
            and (p_size_bytes <> v_object.size_bytes or p_sha256 <> v_object.sha256)
        then
            raise exception 'the key % must be free, and another object has it', left(p_key, 200)
                using errcode = 'RQ009', hint = 'Objects are never written twice: put the job and its attempt into the key.';
        end if;
    elsif p_size_bytes is not null and p_sha256 is not null then
        v_object := media.finish_object(v_object.id, p_size_bytes, p_sha256);
    else
        update media.objects as o set state = 'stored', size_bytes = p_size_bytes, sha256 = p_sha256, stored_at = base.clock()
        where o.id = v_object.id and o.state = 'writing';
    end if;
    -- The key may be another tenant's, or that of bytes that a sweep deletes.
    return media.use_object(v_object.id, p_tenant_id);  -- mutant: a variant is made of another tenant's bytes
end;
$$;

comment on function media.register_object(uuid, text, text, bigint, text, text, uuid, integer) is $$
Enter an object whose bytes are in the store already, put by a program that registers none: a worker of 0.1.0. Returns the object to refer to: another one, where the tenant has
the same content in that bucket. For media.record_original and media.put_variant, which ask whose it is.

Raises
  RQ008  size or checksum cannot be
  RQ009  the key is that of other bytes
  RQ018  it is being deleted, or another tenant's
$$;
