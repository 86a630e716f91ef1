create table media.assets (
    id uuid primary key default base.uuid_v7(),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    owner_user_id uuid references identity.users (id) on delete set null,
    kind text not null default 'video',
    source text not null default 'upload',
    source_url text,
    original_filename text,
    status text not null default 'uploading',
    essence_sha256 text,
    mime text,
    container text,
    duration_seconds numeric(12, 3),
    width integer,
    height integer,
    coded_width integer,
    coded_height integer,
    rotation integer,
    sar text,
    frame_rate_num integer,
    frame_rate_den integer,
    frames bigint,
    bit_rate bigint,
    video_codec text,
    pixel_format text,
    color_space text,
    color_transfer text,
    color_primaries text,
    color_range text,
    hdr boolean,
    audio_codec text,
    audio_channels integer,
    audio_sample_rate_hz integer,
    probe jsonb,
    ai_provenance jsonb,
    retention_class text not null default 'operational',
    retention_until timestamptz,
    last_used_at timestamptz not null default base.clock(),
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    status_changed_at timestamptz not null default base.clock(),
    deleted_at timestamptz,
    object_id uuid references media.objects (id) on delete restrict,
    constraint kind_is_known
    check (kind in ('image', 'audio', 'video', 'document', 'subtitle', 'ai_image', 'ai_audio')),
    constraint source_is_known check (source in ('upload', 'ai_generated', 'imported')),
    constraint status_is_known
    check (status in ('uploading', 'scanning', 'transcoding', 'ready', 'failed', 'quarantined')),
    constraint processed_means_stored check (status not in ('transcoding', 'ready') or object_id is not null),
    constraint essence_is_64_hex_digits check (essence_sha256 ~ '^[0-9a-f]{64}$'),
    constraint duration_is_not_negative check (duration_seconds >= 0),
    constraint display_size_is_positive check (width > 0 and height > 0),
    constraint coded_size_is_positive check (coded_width > 0 and coded_height > 0),
    constraint rotation_is_a_quarter_turn check (rotation in (0, 90, 180, 270)),
    constraint sar_is_a_ratio check (sar ~ '^[1-9][0-9]*:[1-9][0-9]*$'),
    constraint frame_rate_is_a_fraction check (
        num_nulls(frame_rate_num, frame_rate_den) in (0, 2) and frame_rate_num > 0 and frame_rate_den > 0
    ),
    constraint frames_are_not_negative check (frames >= 0),
    constraint bit_rate_is_not_negative check (bit_rate >= 0),
    constraint audio_channels_are_positive check (audio_channels > 0),
    constraint audio_sample_rate_is_positive check (audio_sample_rate_hz > 0),
    constraint probe_is_an_object check (jsonb_typeof(probe) = 'object'),
    constraint retention_class_is_known check (retention_class in ('operational', 'bundle', 'ai_generated'))
);

create index assets_by_tenant on media.assets (tenant_id, created_at desc);
create index assets_by_owner on media.assets (owner_user_id);
create index assets_by_object on media.assets (object_id);

comment on table media.assets is 'Files: where the original lies and what was measured of it. Soft-deleted by deleted_at; reads filter it.';
comment on column media.assets.id is 'Time-ordered id; part of every object key of the asset.';
comment on column media.assets.tenant_id is 'The tenant that owns the file.';
comment on column media.assets.owner_user_id is 'Who brought it; null when nobody in particular did.';
comment on column media.assets.kind is 'image, audio, video, document, subtitle, ai_image or ai_audio; set right when the file is measured.';
comment on column media.assets.source is 'upload, imported (fetched from a URL) or ai_generated.';
comment on column media.assets.source_url is 'Where download_video fetches from: a local path, http(s) or s3; null when the bytes were stored directly.';
comment on column media.assets.original_filename is 'Name that the sender gave; for people only, never part of a path or a command.';
comment on column media.assets.status is 'uploading, scanning, transcoding, ready, failed or quarantined.';
comment on column media.assets.essence_sha256 is 'SHA-256 of the packets without container and tags: equal for the same video in another wrapping; null when not computed.';
comment on column media.assets.mime is 'Media type, as video/mp4.';
comment on column media.assets.container is 'Demuxer that read it, as mov or matroska.';
comment on column media.assets.duration_seconds is 'Duration of what plays, checked against the packets; null when unknown or when nothing moves.';
comment on column media.assets.width is 'Display width in pixels, after rotation and pixel aspect.';
comment on column media.assets.height is 'Display height in pixels, after rotation and pixel aspect.';
comment on column media.assets.coded_width is 'Width in pixels as coded, before rotation and pixel aspect.';
comment on column media.assets.coded_height is 'Height in pixels as coded, before rotation and pixel aspect.';
comment on column media.assets.rotation is 'Clockwise turn in degrees that the player has to make: 0, 90, 180 or 270.';
comment on column media.assets.sar is 'Sample (pixel) aspect ratio, as 1:1 or 4:3.';
comment on column media.assets.frame_rate_num is 'Frames a second, numerator of an exact fraction, as 30000.';
comment on column media.assets.frame_rate_den is 'Frames a second, denominator, as 1001.';
comment on column media.assets.frames is 'Video frames in the file, counted in the packets.';
comment on column media.assets.bit_rate is 'Bits a second of the whole file.';
comment on column media.assets.video_codec is 'Codec of the moving picture, as h264; null when nothing moves.';
comment on column media.assets.pixel_format is 'Pixel format, as yuv420p.';
comment on column media.assets.color_space is 'Matrix coefficients, as bt709; null when the file does not say.';
comment on column media.assets.color_transfer is 'Transfer function, as bt709 or smpte2084; null when the file does not say.';
comment on column media.assets.color_primaries is 'Primaries, as bt709 or bt2020; null when the file does not say.';
comment on column media.assets.color_range is 'tv or pc; null when the file does not say.';
comment on column media.assets.hdr is 'Whether the transfer function is one of high dynamic range (PQ or HLG).';
comment on column media.assets.audio_codec is 'Codec of the first audio stream, as aac; null without sound.';
comment on column media.assets.audio_channels is 'Channels of the first audio stream.';
comment on column media.assets.audio_sample_rate_hz is 'Samples a second of the first audio stream.';
comment on column media.assets.probe is 'JSON object: ffprobe''s document, {"format": {…}, "streams": [{…}]}.';
comment on column media.assets.ai_provenance is 'JSON object: model, prompt reference and licence of generated media; null for all else.';
comment on column media.assets.retention_class is 'operational (90 days after the last reference unless the tenant says otherwise), bundle (kept while referenced) or ai_generated.';
comment on column media.assets.retention_until is 'Not deleted before this time; null means as the class says.';
comment on column media.assets.last_used_at is 'When the file was last referenced or read; retention and cold storage count from here.';
comment on column media.assets.created_at is 'When the row was made.';
comment on column media.assets.updated_at is 'When the row last changed; kept by a trigger.';
comment on column media.assets.status_changed_at is 'When status last changed; kept by a trigger.';
comment on column media.assets.deleted_at is 'Soft deletion; null while the asset lives.';
comment on column media.assets.object_id is 'The original''s bytes; null until they are stored. [internal]';

create trigger touch_status before update of status on media.assets
for each row execute function base.tg_touch_status();

create trigger touch_updated_at before update on media.assets
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();

select base.protect_tenant_rows('media.assets');
