create or replace function queue.help_topics()
returns table (place integer, topic text, function text)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select t.place::integer, t.topic, f.function
    from unnest(
        array['Enqueue', 'Look', 'Change a job', 'Change many jobs', 'Videos', 'Bundles and retention', 'Objects', 'Events', 'Webhooks', 'Notifications', 'Pipelines', 'Pauses and limits', 'Schedules', 'Workers', 'Upkeep', 'Audit', 'Set up', 'Tenants', 'API keys', 'Accounts', 'Log-ins', 'Log-in settings', 'Configuration', 'Change configuration'],
        array[
            'queue.enqueue_job queue.enqueue_jobs queue.ingest_video queue.enqueue_pipeline',
            'queue.show_job queue.job_logs queue.list_jobs queue.count_jobs queue.explain_job queue.depth queue.running_jobs queue.recent_failures queue.count_errors queue.rates queue.stats queue.tenant_depth queue.tenant_rates queue.tenant_stats',
            'queue.cancel_job queue.retry_job queue.reprioritise_job queue.run_job_now queue.reschedule_job',
            'queue.retry_jobs queue.cancel_jobs queue.reprioritise_jobs queue.run_jobs_now queue.reschedule_jobs',
            'queue.rerun_video queue.cancel_run queue.delete_video queue.soft_delete_video queue.restore_video media.list_deleted_videos',
            'media.create_bundle media.add_to_bundle media.remove_from_bundle media.end_bundle media.list_bundles media.list_bundle_members media.set_retention',
            'media.list_objects media.show_object media.request_restore',
            'ops.list_events ops.events_after ops.list_event_types ops.emit_event ops.receive_message',
            'ops.create_webhook ops.list_webhooks ops.set_webhook ops.rotate_webhook_secret ops.test_webhook ops.enable_webhook ops.disable_webhook ops.delete_webhook ops.replay_events ops.list_deliveries',
            'ops.send_notification ops.list_notifications ops.count_unread ops.mark_read ops.set_notification_setting ops.list_notification_settings ops.add_push_subscription ops.remove_push_subscription ops.mail_reset ops.mail_verification ops.mail_invitation',
            'queue.list_pipelines queue.show_pipeline queue.set_pipeline queue.drop_pipeline',
            'queue.pause queue.resume queue.list_pauses queue.set_limit queue.drop_limit queue.list_limits',
            'queue.set_schedule queue.list_schedules queue.pause_schedule queue.resume_schedule queue.drop_schedule queue.next_tick',
            'queue.list_workers queue.drain_worker queue.drain_host',
            'queue.health ops.health queue.verify queue.repair queue.delete_jobs queue.delete_all_jobs queue.archive_jobs queue.roll_up_stats queue.tidy_identity ops.purge_notifications ops.add_event_type ops.list_tasks queue.purge_videos ops.expire_assets ops.list_expiring ops.purge_tenants identity.remove_ended ops.maintain_partitions',
            'ops.list_acts ops.failed_logins ops.idle_keys ops.overused_keys',
            'queue.set_setting identity.create_tenant identity.list_tenants identity.set_tenant_status identity.act_for',
            'identity.show_tenant identity.set_tenant identity.tenant_config identity.set_tenant_config identity.set_subscription identity.end_subscription identity.list_subscriptions identity.show_quota identity.set_quota',
            'identity.create_key identity.list_keys identity.show_key identity.revoke_key identity.rotate_key identity.authenticate identity.check_scope',
            'identity.create_user identity.invite_user identity.list_users identity.show_user identity.find_user identity.change_user identity.set_user_role identity.set_user_status identity.unlock_user identity.delete_user identity.restore_user',
            'identity.begin_login identity.give_proof identity.finish_login identity.finish_second_factor identity.check_session identity.open_session identity.close_session identity.list_sessions identity.revoke_session identity.revoke_sessions identity.set_password identity.request_reset identity.use_password_token identity.request_verification identity.verify_email identity.enrol_second_factor identity.confirm_second_factor identity.drop_second_factor',
            'identity.list_login_settings identity.set_login_setting',
            'ops.list_config ops.config_value ops.list_flags ops.is_flag_on ops.explain_flag',
            'ops.set_config ops.set_flag ops.set_flag_for ops.delete_flag ops.set_task'
        ]
    ) with ordinality as t (topic, functions, place)
    cross join lateral regexp_split_to_table(t.functions, ' ') with ordinality as f (function, number)
    order by t.place, f.number;
$$;

comment on function queue.help_topics() is $$
What queue.help() shows: the functions that applications and operators call, by topic. The one list of them; a test compares
sql/README.md with it.
$$;
