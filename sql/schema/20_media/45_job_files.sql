create table media.job_files (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid references identity.tenants (id) on delete cascade,
    user_id uuid references identity.users (id) on delete cascade,
    object_id uuid not null references media.objects (id) on delete restrict,
    job_id uuid not null,
    name text not null,
    created_at timestamptz not null default base.clock(),
    constraint one_file_a_name unique (job_id, name),
    constraint name_has_1_to_255_characters check (length(name) between 1 and 255)
);

create index job_files_by_tenant on media.job_files (tenant_id);
create index job_files_by_user on media.job_files (user_id);
create index job_files_by_object on media.job_files (object_id);

comment on table media.job_files is 'What job types of one''s own stored by ctx.store_file: keeps the object until media.forget_files. Written in the transaction that completes the job.';
comment on column media.job_files.id is 'Time-ordered id. [internal]';
comment on column media.job_files.tenant_id is 'The job''s tenant; null: none. [internal]';
comment on column media.job_files.user_id is 'The job''s user, with whom the row goes; null: nobody in particular. [internal]';
comment on column media.job_files.object_id is 'Its bytes. [internal]';
comment on column media.job_files.job_id is 'The job that stored it. No foreign key: jobs are forgotten sooner than files. [internal]';
comment on column media.job_files.name is 'Name within the job, which the job type chose. [internal]';
comment on column media.job_files.created_at is 'When the row was made. [internal]';

select base.protect_tenant_rows('media.job_files');
