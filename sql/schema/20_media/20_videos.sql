create table media.videos (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    user_id uuid references identity.users (id) on delete set null,
    asset_id uuid not null references media.assets (id) on delete restrict,
    status text not null default 'pending',
    title text,
    description text,
    caption text,
    hashtags text[] not null default '{}',
    mentions text[] not null default '{}',
    tags text[] not null default '{}',
    category text,
    language text,
    editorial_boost numeric(3, 2) not null default 1.0,
    maturity_rating text not null default 'general',
    geo_restrictions jsonb,
    publish_status text,
    scheduled_publish_at timestamptz,
    published_at timestamptz,
    monetization_status text,
    affiliate_links jsonb not null default '[]',
    quality_score integer,
    copyright_check_status text,
    generation jsonb not null default '{}',
    metadata jsonb not null default '{}',
    error_code text,
    error_message text,
    error_details jsonb,
    processing_started_at timestamptz,
    processing_completed_at timestamptz,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    status_changed_at timestamptz not null default base.clock(),
    deleted_at timestamptz,
    search tsvector not null generated always as (
        setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(title, '')), 'A')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(caption, '')), 'B')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(description, '')), 'C')
    ) stored,
    idempotency_key text,
    constraint status_is_known
    check (status in ('pending', 'downloading', 'processing', 'compressing', 'uploading', 'ready', 'failed')),
    constraint failed_says_why check ((status = 'failed') = (error_code is not null)),
    constraint error_code_has_1_to_50_characters check (length(error_code) between 1 and 50),
    constraint ready_has_a_time check (status <> 'ready' or processing_completed_at is not null),
    constraint title_has_1_to_255_characters check (length(title) between 1 and 255),
    constraint category_has_1_to_100_characters check (length(category) between 1 and 100),
    constraint editorial_boost_is_1_to_2 check (editorial_boost between 1.0 and 2.0),
    constraint maturity_rating_is_known check (maturity_rating in ('general', 'teen', 'mature')),
    constraint geo_restrictions_is_a_list check (jsonb_typeof(geo_restrictions) = 'array'),
    constraint publish_status_is_known check (publish_status in ('scheduled', 'published', 'failed')),
    constraint scheduled_has_a_time check (publish_status <> 'scheduled' or scheduled_publish_at is not null),
    constraint published_has_a_time check (publish_status <> 'published' or published_at is not null),
    constraint monetization_status_is_known check (monetization_status in ('eligible', 'active', 'demonetized')),
    constraint affiliate_links_is_a_list check (jsonb_typeof(affiliate_links) = 'array'),
    constraint quality_score_is_0_to_100 check (quality_score between 0 and 100),
    constraint copyright_check_status_is_known check (copyright_check_status in ('pending', 'passed', 'failed')),
    constraint generation_is_an_object check (jsonb_typeof(generation) = 'object'),
    constraint metadata_is_an_object check (jsonb_typeof(metadata) = 'object'),
    constraint idempotency_key_has_1_to_255_characters check (length(idempotency_key) between 1 and 255)
);

create index videos_by_tenant on media.videos (tenant_id, created_at desc);
create index videos_by_category on media.videos (tenant_id, category) where deleted_at is null;
create index videos_by_user on media.videos (user_id, created_at desc);
create index videos_by_asset on media.videos (asset_id);
create index videos_deleted on media.videos (deleted_at, id) where deleted_at is not null;
create index videos_not_ready on media.videos (status, id) where status <> 'ready' and deleted_at is null;
create index videos_search on media.videos using gin (search) where deleted_at is null;
create unique index videos_one_idempotency_key on media.videos (tenant_id, idempotency_key) where idempotency_key is not null and deleted_at is null;

comment on table media.videos is 'The content record of a title. What was measured of its file is in media.assets. Soft-deleted by deleted_at; reads filter it.';
comment on column media.videos.id is 'Time-ordered id.';
comment on column media.videos.tenant_id is 'The tenant that owns the title; the same as its asset''s.';
comment on column media.videos.user_id is 'Whose title it is; null when nobody''s in particular.';
comment on column media.videos.asset_id is 'The original file.';
comment on column media.videos.status is 'pending, downloading, processing, compressing, uploading, ready or failed; goes forward only, see media.advance_video.';
comment on column media.videos.title is 'Title, at most 255 characters; null while it has none.';
comment on column media.videos.description is 'Long text below the video.';
comment on column media.videos.caption is 'Short text that goes with a post.';
comment on column media.videos.hashtags is 'Hashtags without the sign.';
comment on column media.videos.mentions is 'Accounts that are mentioned, without the sign.';
comment on column media.videos.tags is 'Words to find the video by, not shown.';
comment on column media.videos.category is 'Category for the feed, as education.';
comment on column media.videos.language is 'Spoken language, BCP 47 tag; null when unknown.';
comment on column media.videos.editorial_boost is 'Multiplier in the feed, set by editors: 1.0 to 2.0.';
comment on column media.videos.maturity_rating is 'general, teen or mature.';
comment on column media.videos.geo_restrictions is 'JSON array of the ISO 3166 countries where it may be shown, as ["AT", "DE"]; null means everywhere.';
comment on column media.videos.publish_status is 'scheduled, published or failed over all platforms; null when nobody asked for publication.';
comment on column media.videos.scheduled_publish_at is 'When it is to be published.';
comment on column media.videos.published_at is 'When it first was.';
comment on column media.videos.monetization_status is 'eligible, active or demonetized; null when not looked at.';
comment on column media.videos.affiliate_links is 'JSON array of {"url", "label"}.';
comment on column media.videos.quality_score is 'Judged quality, 0 to 100; null when not judged.';
comment on column media.videos.copyright_check_status is 'pending, passed or failed; null when not asked for.';
comment on column media.videos.generation is 'JSON object on generated videos: {"script", "voice_model", "background_music", "started_at", "completed_at", "cost": {"<service>": amount in USD}}.';
comment on column media.videos.metadata is 'JSON object: what the host application keeps here, as {"creator": {…}}.';
comment on column media.videos.error_code is 'Why it failed, a stable word as not_a_video; set exactly while status is failed.';
comment on column media.videos.error_message is 'Why it failed, one sentence for the tenant.';
comment on column media.videos.error_details is 'JSON: more of it, for the tenant''s developers.';
comment on column media.videos.processing_started_at is 'When the first job of its pipeline began to work on it.';
comment on column media.videos.processing_completed_at is 'When it became ready or failed; null before.';
comment on column media.videos.created_at is 'When the row was made.';
comment on column media.videos.updated_at is 'When the row last changed; kept by a trigger.';
comment on column media.videos.status_changed_at is 'When status last changed; kept by a trigger.';
comment on column media.videos.deleted_at is 'Soft deletion; null while the video lives.';
comment on column media.videos.search is 'Words of title (weight A), caption (B) and description (C); computed.';
comment on column media.videos.idempotency_key is 'A second ingest with it finds this video; unique in the tenant while the video lives; null: none. [internal]';

create trigger touch_status before update of status on media.videos
for each row execute function base.tg_touch_status();

-- No `when (old.* is distinct from new.*)` as elsewhere: Postgres forbids it beside a generated column.
create trigger touch_updated_at before update on media.videos
for each row execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('media.videos');
