-- The class of each column of the tables of 0.1.0, as the last word of its comment; a later table writes it in its own file.
--   public    everybody may see it, such as what a player shows
--   internal  for the tenant and those who run the system
--   personal  about a person, or what one wrote or sent: exported and erased with them, masked for support
--   secret    never shown, not even to operators; never in an audit or a log
-- A comment that has its class is not written again.
do $$
declare
    v_column record;
begin
    for v_column in
        select c.oid::regclass as name, a.attname, listed.class, col_description(c.oid, a.attnum) as about
        from (
            values
            ('identity.tenants', 'public', 'slug name'),
            ('identity.tenants', 'internal', 'id status tier s3_bucket s3_region job_weight created_at updated_at status_changed_at'),
            (
                'identity.users', 'personal',
                'email username full_name avatar_url subscription_id stripe_customer_id settings metadata timezone language '
                'last_login_at last_login_ip'
            ),
            ('identity.users', 'secret', 'password_hash two_factor_secret'),
            (
                'identity.users', 'internal',
                'id tenant_id email_verified role status subscription_tier subscription_status trial_ends_at monthly_quota '
                'current_usage quota_reset_date two_factor_enabled failed_login_attempts locked_until created_at updated_at '
                'status_changed_at deleted_at'
            ),
            ('media.assets', 'public', 'kind duration_seconds width height'),
            ('media.assets', 'personal', 'source_url original_filename probe'),
            (
                'media.assets', 'internal',
                'id tenant_id owner_user_id source status essence_sha256 mime container '
                'coded_width coded_height rotation sar frame_rate_num frame_rate_den frames bit_rate video_codec pixel_format '
                'color_space color_transfer color_primaries color_range hdr audio_codec audio_channels audio_sample_rate_hz '
                'ai_provenance retention_class retention_until last_used_at created_at updated_at '
                'status_changed_at deleted_at'
            ),
            ('media.stores', 'internal', 'bucket mark created_at'),
            ('media.variants', 'public', 'profile mime width height duration_seconds'),
            (
                'media.variants', 'internal',
                'id tenant_id asset_id bit_rate frames frame_rate_num frame_rate_den video_codec '
                'audio_codec job_id attempt encode_seconds speed metadata created_at updated_at'
            ),
            ('media.videos', 'public', 'category language maturity_rating geo_restrictions publish_status published_at'),
            (
                'media.videos', 'personal',
                'title description caption hashtags mentions tags affiliate_links generation metadata error_message '
                'error_details search'
            ),
            (
                'media.videos', 'internal',
                'id tenant_id user_id asset_id status editorial_boost scheduled_publish_at monetization_status quality_score '
                'copyright_check_status error_code processing_started_at processing_completed_at created_at updated_at '
                'status_changed_at deleted_at'
            ),
            ('ops.partition_policies', 'internal', 'parent ahead retention created_at updated_at'),
            ('ops.retired_partitions', 'internal', 'partition parent since until created_at'),
            ('queue.attempt_history', 'personal', 'message stack stderr_tail log'),
            (
                'queue.attempt_history', 'internal',
                'job_id attempt job_type worker_id started_at ended_at outcome error_class code cpu_seconds peak_memory_bytes '
                'created_at'
            ),
            ('queue.blocked', 'internal', 'job_id pending job_type'),
            ('queue.cascades', 'internal', 'job_id place created_at'),
            ('queue.dead_letters', 'internal', 'job_id job_type failed_at'),
            ('queue.dependency_history', 'internal', 'parent_id job_id on_failure satisfied created_at archived_at'),
            ('queue.gate_events', 'internal', 'id gate permits transaction_id'),
            ('queue.job_attempts', 'personal', 'message stack stderr_tail log'),
            (
                'queue.job_attempts', 'internal',
                'job_id attempt job_type worker_id started_at ended_at outcome error_class code cpu_seconds peak_memory_bytes '
                'created_at'
            ),
            ('queue.job_dependencies', 'internal', 'parent_id job_id on_failure satisfied created_at'),
            ('queue.job_history', 'personal', 'job_data result_data error_message idempotency_key'),
            (
                'queue.job_history', 'internal',
                'id tenant_id user_id video_id asset_id job_type priority status status_changed_at scheduled_for token attempts '
                'max_attempts crashes max_crashes weight needs worker_id started_at completed_at duration_ms next_retry_at '
                'error_class error_code depends_on_job_id depends_on on_parent_failure pipeline_run pipeline_step created_at '
                'updated_at limits channel_id'
            ),
            ('queue.job_stats', 'internal', 'hour job_type outcome jobs seconds cpu_seconds max_seconds'),
            ('queue.job_types', 'public', 'job_type description'),
            (
                'queue.job_types', 'internal',
                'priority max_attempts max_crashes lease time_limit stall_limit weight needs batch limits created_at updated_at '
                'options_schema declared requires options_path'
            ),
            ('queue.lane_clocks', 'internal', 'lane virtual_time moved_at'),
            ('queue.lanes', 'internal', 'lane job_type priority weight needs created_at'),
            ('queue.leases', 'personal', 'cancel_reason'),
            (
                'queue.leases', 'internal',
                'job_id token worker_id job_type lease expires_at started_at beat_at progress stage speed eta_s '
                'cancel_requested_at limits'
            ),
            ('queue.limits', 'internal', 'limit_key max_running used created_at updated_at counted'),
            ('queue.listening_workers', 'internal', 'worker_id types since'),
            ('queue.locks', 'internal', 'name bucket'),
            ('queue.parked', 'internal', 'gate rank seq job_id job_type'),
            ('queue.pauses', 'internal', 'scope key reason paused_by created_at'),
            ('queue.pipeline_steps', 'internal', 'pipeline step job_type after on_parent_failure priority job_data created_at'),
            ('queue.pipelines', 'public', 'name description'),
            ('queue.pipelines', 'internal', 'created_at updated_at'),
            ('queue.processing_jobs', 'personal', 'job_data result_data error_message idempotency_key'),
            (
                'queue.processing_jobs', 'internal',
                'id tenant_id user_id video_id asset_id job_type priority status status_changed_at scheduled_for token attempts '
                'max_attempts crashes max_crashes weight needs worker_id started_at completed_at duration_ms next_retry_at '
                'error_class error_code depends_on_job_id depends_on on_parent_failure pipeline_run pipeline_step created_at '
                'updated_at limits channel_id'
            ),
            ('queue.ready', 'internal', 'lane fair_key seq job_id flow ready_at limits'),
            ('queue.reservations', 'internal', 'lane worker_id until'),
            ('queue.retry_policies', 'internal', 'job_type error_class code action base factor cap jitter charges created_at updated_at charges_after'),
            ('queue.scheduled', 'internal', 'due job_id job_type'),
            ('queue.schedules', 'personal', 'job_data last_error'),
            (
                'queue.schedules', 'internal',
                'name cron time_zone tenant_id job_type pipeline video_id priority missed paused_at next_run_at last_run_at '
                'last_job_id created_at updated_at last_enqueued_at'
            ),
            ('queue.settings', 'internal', 'name value description created_at updated_at'),
            ('queue.spawned', 'internal', 'parent_id job_id created_at'),
            ('queue.strikes', 'internal', 'id asset_id job_id attempt error_class code created_at'),
            ('queue.upkeep', 'internal', 'task last_run_at grace created_at place repairs'),
            (
                'queue.workers', 'internal',
                'worker_id host pid process_key version pool slots types capabilities status status_changed_at '
                'drain_requested_at started_at last_beat_at created_at updated_at last_look_at trouble remedy'
            )
        ) as listed (name, class, columns)
        inner join pg_catalog.pg_class as c on c.oid = to_regclass(listed.name)
        inner join pg_catalog.pg_attribute as a
            on a.attrelid = c.oid and a.attname = any(string_to_array(listed.columns, ' ')) and a.attnum > 0 and not a.attisdropped
        where col_description(c.oid, a.attnum) !~ format('\[%s\]$', listed.class)
    loop
        execute format(
            'comment on column %s.%I is %L', v_column.name, v_column.attname,
            regexp_replace(v_column.about, '\s*\[\w+\]$', '') || format(' [%s]', v_column.class)
        );
    end loop;
end;
$$;
