create table media.variants (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    asset_id uuid not null references media.assets (id) on delete cascade,
    profile text not null,
    mime text,
    width integer,
    height integer,
    bit_rate bigint,
    duration_seconds numeric(12, 3),
    frames bigint,
    frame_rate_num integer,
    frame_rate_den integer,
    video_codec text,
    audio_codec text,
    job_id uuid,
    attempt integer,
    encode_seconds numeric(12, 3),
    speed numeric(10, 3),
    metadata jsonb not null default '{}',
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    object_id uuid not null references media.objects (id) on delete restrict,
    constraint one_variant_a_profile unique (asset_id, profile),
    constraint profile_is_a_word check (profile ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    constraint size_in_pixels_is_positive check (width > 0 and height > 0),
    constraint bit_rate_is_not_negative check (bit_rate >= 0),
    constraint duration_is_not_negative check (duration_seconds >= 0),
    constraint frames_are_not_negative check (frames >= 0),
    constraint frame_rate_is_a_fraction check (
        num_nulls(frame_rate_num, frame_rate_den) in (0, 2) and frame_rate_num > 0 and frame_rate_den > 0
    ),
    constraint attempt_is_positive check (attempt > 0),
    constraint encode_seconds_are_not_negative check (encode_seconds >= 0),
    constraint speed_is_not_negative check (speed >= 0),
    constraint metadata_is_an_object check (jsonb_typeof(metadata) = 'object')
);

create index variants_by_tenant on media.variants (tenant_id);
create index variants_by_object on media.variants (object_id);

comment on table media.variants is 'What was made of an asset: one row a profile says which object counts.';
comment on column media.variants.id is 'Time-ordered id; stays when the profile is made again.';
comment on column media.variants.tenant_id is 'The tenant of the asset.';
comment on column media.variants.asset_id is 'The asset that it was made of.';
comment on column media.variants.profile is 'What it is: h264-720p (short side), audio-aac, poster, thumbnail, preview, storyboard, hls.';
comment on column media.variants.mime is 'Media type, as video/mp4 or image/jpeg.';
comment on column media.variants.width is 'Width in pixels; null for sound.';
comment on column media.variants.height is 'Height in pixels; null for sound.';
comment on column media.variants.bit_rate is 'Bits a second of the whole file, measured.';
comment on column media.variants.duration_seconds is 'Duration, measured; null for pictures.';
comment on column media.variants.frames is 'Video frames, counted.';
comment on column media.variants.frame_rate_num is 'Frames a second, numerator of an exact fraction.';
comment on column media.variants.frame_rate_den is 'Frames a second, denominator.';
comment on column media.variants.video_codec is 'Codec of the picture, as h264; null for sound.';
comment on column media.variants.audio_codec is 'Codec of the sound, as aac; null without sound.';
comment on column media.variants.job_id is 'The job that made it. No foreign key: jobs are forgotten sooner than variants.';
comment on column media.variants.attempt is 'The attempt of that job.';
comment on column media.variants.encode_seconds is 'Seconds that making it took; shared by all that one run made.';
comment on column media.variants.speed is 'Seconds of media made in one second.';
comment on column media.variants.metadata is 'JSON object: what only this profile has, as {"at_seconds": 3.2} of a poster.';
comment on column media.variants.created_at is 'When the profile was first made.';
comment on column media.variants.updated_at is 'When the row last changed; kept by a trigger.';
comment on column media.variants.object_id is 'Its bytes. [internal]';

create trigger touch_updated_at before update on media.variants
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('media.variants');
