-- back: drop the triggers register_object and media.tg_register_object(), and the columns object_id; what checked key comes back
-- Bytes are rows of media.objects from here on. What a program of 0.1.0 writes meanwhile is entered there by a trigger, which goes last (0066).
alter table media.assets add column object_id uuid;
alter table media.variants add column object_id uuid;
alter table media.assets add constraint assets_object_id_fkey foreign key (object_id) references media.objects (id) on delete restrict not valid;
alter table media.variants add constraint variants_object_id_fkey foreign key (object_id) references media.objects (id) on delete restrict not valid;
comment on column media.assets.object_id is 'The original''s bytes; null until they are stored. [internal]';
comment on column media.variants.object_id is 'Its bytes. [internal]';

-- Until the function of this version takes its place.
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
    v_id uuid;
begin
    for v_try in 1..10 loop
        insert into media.objects (tenant_id, bucket, key, size_bytes, sha256, mime, job_id, attempt, state, stored_at)
        values (p_tenant_id, p_bucket, p_key, p_size_bytes, p_sha256, p_mime, p_job_id, p_attempt, 'stored', base.clock())
        on conflict do nothing
        returning id into v_id;
        exit when v_id is not null;
        select o.id into v_id from media.objects as o
        where o.bucket = p_bucket and o.key = p_key and o.state = 'stored' and o.tenant_id = p_tenant_id;
        exit when v_id is not null;
        -- Equal content is one object; these bytes are litter, and a sweep knows of them.
        select o.id into v_id from media.objects as o
        where
            o.tenant_id = p_tenant_id and o.sha256 = p_sha256 and o.size_bytes = p_size_bytes and o.bucket = p_bucket
            and o.state = 'stored' and o.fault is null and o.storage_class = 'hot';
        if v_id is not null then
            insert into media.objects (tenant_id, bucket, key, mime, job_id, attempt)
            values (p_tenant_id, p_bucket, p_key, p_mime, p_job_id, p_attempt)
            on conflict do nothing;
            exit;
        end if;
    end loop;
    if v_id is null then
        raise exception 'the object % in % must be the tenant''s own, and is another''s', left(p_key, 200), p_bucket
            using errcode = 'RQ018', hint = 'Two tenants share no bytes: give each its own copy under a key of its own.';
    end if;
    return v_id;
end;
$$;

create function media.tg_register_object()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.object_id is null or (tg_op = 'UPDATE' and (new.bucket, new.key) is distinct from (old.bucket, old.key)) then
        new.object_id := media.register_object(new.tenant_id, new.bucket, new.key, new.size_bytes, new.sha256, new.mime);
    end if;
    return new;
end;
$$;

-- By its name after touch_updated_at: that a row gets its object is no change of it.
create trigger zz_register_object before insert or update on media.assets
for each row when (new.key is not null) execute function media.tg_register_object();

create trigger zz_register_object before insert or update on media.variants
for each row when (new.key is not null) execute function media.tg_register_object();

alter table media.variants add constraint object_id_is_there check (object_id is not null) not valid;
alter table media.assets add constraint processed_means_stored_as_object check (status not in ('transcoding', 'ready') or object_id is not null) not valid;
