-- A row stands before the first byte is written, and goes after the last one is gone: so a sweep, an erasure and a cold move look only here.
create table media.objects (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid references identity.tenants (id) on delete restrict,
    bucket text collate "C" not null,
    key text collate "C" not null,
    state text not null default 'writing',
    size_bytes bigint,
    sha256 text,
    mime text,
    storage_class text not null default 'hot',
    restored_until timestamptz,
    job_id uuid,
    attempt integer,
    last_used_at timestamptz not null default base.clock(),
    unreferenced_since timestamptz,
    fault text,
    fault_found_at timestamptz,
    stored_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    is_shared boolean not null default true,
    constraint one_object_a_key unique (bucket, key),
    constraint state_is_known check (state in ('writing', 'stored', 'deleting')),
    constraint stored_has_a_time check (state <> 'stored' or stored_at is not null),
    constraint size_is_not_negative check (size_bytes >= 0),
    constraint sha256_is_64_hex_digits check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint storage_class_is_known check (storage_class in ('hot', 'cooling', 'cold', 'restoring', 'restored')),
    constraint restored_has_an_end check ((storage_class = 'restored') = (restored_until is not null)),
    constraint fault_is_known check (fault in ('missing', 'altered')),
    constraint fault_has_a_time check ((fault is null) = (fault_found_at is null)),
    constraint attempt_is_positive check (attempt > 0)
) with (fillfactor = 85);

-- What lies below a prefix too, in whichever bucket.
create index objects_by_tenant on media.objects (tenant_id, key);
-- Equal content is one object: of two writers the second to commit waits here, and refers to the first's. What is cold or damaged is not
-- offered any more: a newer one of the same content takes its place, and what becomes hot or whole again then is not shared.
create unique index objects_one_content on media.objects (tenant_id, sha256, size_bytes, bucket)
where state = 'stored' and fault is null and storage_class = 'hot' and is_shared;
-- What a sweep has to look at again.
create index objects_not_stored on media.objects (id) where state <> 'stored';
create index objects_unreferenced on media.objects (unreferenced_since) where unreferenced_since is not null;
-- What is on its way to cold storage or back.
create index objects_moving on media.objects (id) where storage_class in ('cooling', 'restoring', 'restored');
create index objects_with_faults on media.objects (id) where fault is not null;

comment on table media.objects is $$
The register of what lies in the stores: no byte without a row. A row is made before the first byte is written, and deleted after the last one is gone. What
refers to an object by a foreign key keeps it (media.object_references); what nothing refers to is swept. Written by media.begin_object and media.finish_object.
$$;
comment on column media.objects.id is 'Time-ordered id. [internal]';
comment on column media.objects.tenant_id is 'The tenant whose bytes they are, which cannot go before them; null: of a job without a tenant. [internal]';
comment on column media.objects.bucket is 'Store of the object, as file:///folder or s3://bucket. [internal]';
comment on column media.objects.key is 'Key of the object in bucket; its last part bears the job and the attempt that wrote it. [internal]';
comment on column media.objects.state is 'writing (a job''s attempt writes it; nobody may refer to it yet), stored or deleting (its bytes go; nobody may refer to it any more, and what still does, as what an erasure takes, goes before the row). [internal]';
comment on column media.objects.size_bytes is 'Size; null before it is stored, and of what a release before 0.2.0 stored without saying. [internal]';
comment on column media.objects.sha256 is 'SHA-256 of its bytes, lower-case hex, computed by us; null as size_bytes. [internal]';
comment on column media.objects.mime is 'Media type that the store was told, as video/mp4; null: none. [internal]';
comment on column media.objects.storage_class is 'hot; cooling, cold, restoring and restored: on the way to where reading takes hours, there, on the way back, back for a while. [internal]';
comment on column media.objects.restored_until is 'Until when a cold object can be read; null unless storage_class is restored. [internal]';
comment on column media.objects.job_id is 'The job that wrote it; null: none did. No foreign key: jobs are forgotten sooner. [internal]';
comment on column media.objects.attempt is 'The attempt of that job, its token: while it lasts, bytes may come. [internal]';
comment on column media.objects.last_used_at is 'When it was last read or referred to, to the day: media.touch_objects. [internal]';
comment on column media.objects.unreferenced_since is 'Since when sweeps have seen nothing refer to it; null: something does, or none has looked. [internal]';
comment on column media.objects.fault is 'missing or altered: what a check of the store found; null: nothing. [internal]';
comment on column media.objects.fault_found_at is 'When it found it. [internal]';
comment on column media.objects.stored_at is 'When all its bytes were there and something first referred to it. [internal]';
comment on column media.objects.created_at is 'When the row was made, before the first byte. [internal]';
comment on column media.objects.updated_at is 'When the row last changed; kept by a trigger. [internal]';
comment on column media.objects.is_shared is 'Whether it is given to whoever stores the same content again; false: it was cold or damaged while a newer one came, which is. [internal]';

create trigger touch_updated_at before update on media.objects
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('media.objects');
