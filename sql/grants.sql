-- Who may do what; runs last, and again when its text changes. A name that is not there (yet) is passed over: a test
-- proves that each one exists in a whole installation.
--   worker    reelq_worker: claims, settles, records what was made; for every tenant; touches no table by hand
--   app       reelq_app: enqueues and reads, for the tenant in reelq.tenant_id
--   readonly  reelq_readonly: reads, for the tenant in reelq.tenant_id
--   admin     reelq_admin: an operator, for every tenant: sees all but secrets, changes by functions; is no worker
--   support   reelq_support: masked views only
-- Within a tenant a user (reelq.user_id) sees what is theirs; the list of such tables is at the end.
select base.ensure_roles();

-- Nothing is open to everybody: not what exists, and not what a later upgrade adds, which the runner closes in the
-- transaction that makes it. No default privileges: without a schema they would hold for the application's too, and those of
-- one schema cannot take away what everybody has.
do $$
declare
    v_space text;
begin
    foreach v_space in array array['base', 'identity', 'media', 'queue', 'ops'] loop
        execute format('revoke all on schema %I from public', v_space);
        execute format('revoke all on all tables in schema %I from public, reelq_worker, reelq_app, reelq_readonly, reelq_admin, reelq_support', v_space);
        execute format('revoke all on all routines in schema %I from public, reelq_worker, reelq_app, reelq_readonly, reelq_admin, reelq_support', v_space);
        execute format('grant usage on schema %I to reelq_worker, reelq_app, reelq_readonly, reelq_admin, reelq_support', v_space);
    end loop;
end;
$$;

do $$
declare
    v_grant record;
begin
    for v_grant in
        select
            routine.oid::regprocedure as routine,
            'reelq_' || array_to_string(string_to_array(listed.roles, ' '), ', reelq_') as roles
        from (
            values
            -- the defaults and policies of the tables call these with the caller's rights
            ('base.clock', 'worker app readonly admin'),
            ('base.uuid_v7', 'worker app readonly admin'),
            ('base.accepts_program', 'worker app readonly admin'),
            ('base.current_tenant', 'worker app readonly admin support'),
            ('base.is_trusted', 'worker app readonly admin support'),
            ('base.current_user_id', 'worker app readonly admin'),
            ('identity.member_role', 'worker app readonly admin'),
            ('identity.sees_whole_tenant', 'worker app readonly admin'),
            ('identity.may_write', 'worker app readonly admin'),
            ('identity.limited_to', 'worker app readonly admin'),
            ('base.may_act_for', 'worker app readonly admin'),
            ('base.check_read_committed', 'worker app readonly admin'),
            ('base.isolation_refusal', 'worker app readonly admin'),
            ('media.list_videos', 'worker app readonly admin'),
            ('media.show_video', 'worker app readonly admin'),
            ('media.list_variants', 'worker app readonly admin'),
            ('media.open_variant', 'worker app readonly admin'),
            ('media.measured_columns', 'worker'),
            ('media.variant_columns', 'worker'),
            ('media.create_video', 'worker'),
            ('media.get_work', 'worker'),
            ('media.record_original', 'worker'),
            ('media.set_original', 'worker'),
            ('media.record_probe', 'worker'),
            ('media.put_variant', 'worker'),
            ('media.finish_video', 'worker'),
            ('media.fail_video', 'worker'),
            ('media.reopen_video', 'worker admin'),
            ('queue.help', 'worker app readonly admin'),
            ('media.find_store', 'worker admin'),
            ('media.list_stores', 'worker admin'),
            ('media.register_store', 'worker admin'),
            ('media.find_object', 'worker'),
            ('media.finish_object', 'worker'),
            ('media.use_object', 'worker app'),
            ('media.keep_file', 'worker'),
            ('media.forget_files', 'worker app admin'),
            ('media.tenant_store', 'worker admin'),
            ('media.store_region', 'worker admin'),
            ('media.list_tenant_stores', 'worker admin'),
            ('media.is_store', 'worker admin'),
            ('media.touch_object', 'worker admin'),
            ('media.touch_objects', 'worker admin'),
            ('media.object_references', 'worker admin'),
            ('queue.begin_object', 'worker'),
            ('queue.enqueue_job', 'worker app admin'),
            ('queue.check_own_row', 'app'),
            ('queue.enqueue_jobs', 'worker app admin'),
            ('queue.spawn_jobs', 'worker'),
            ('queue.enqueue_pipeline', 'worker app admin'),
            ('queue.ingest_video', 'worker app admin'),
            ('queue.rerun_video', 'worker app admin'),
            ('queue.cancel_run', 'worker app admin'),
            ('queue.delete_video', 'worker app admin'),
            ('queue.soft_delete_video', 'worker app admin'),
            ('queue.restore_video', 'worker app admin'),
            ('queue.purge_videos', 'worker admin'),
            ('media.list_deleted_videos', 'worker app readonly admin'),
            ('media.create_bundle', 'worker app admin'),
            ('media.add_to_bundle', 'worker app admin'),
            ('media.remove_from_bundle', 'worker app admin'),
            ('media.end_bundle', 'worker app admin'),
            ('media.list_bundles', 'worker app readonly admin'),
            ('media.list_bundle_members', 'worker app readonly admin'),
            ('media.set_retention', 'worker app admin'),
            ('ops.expire_assets', 'worker admin'),
            ('ops.list_expiring', 'worker admin'),
            ('ops.purge_tenants', 'worker admin'),
            ('media.mark_unreferenced', 'worker admin'),
            ('queue.mark_litter', 'worker admin'),
            ('ops.condemn_objects', 'worker admin'),
            ('media.list_condemned', 'worker admin'),
            ('media.forget_objects', 'worker admin'),
            ('ops.begin_cooling', 'worker admin'),
            ('ops.list_moving', 'worker admin'),
            ('ops.settle_storage', 'worker admin'),
            ('media.request_restore', 'worker app admin'),
            ('media.begin_check', 'worker admin'),
            ('media.save_check', 'worker admin'),
            ('media.list_checks', 'worker admin'),
            ('media.list_by_key', 'worker admin'),
            ('media.set_fault', 'worker admin'),
            ('media.own_keys', 'worker admin'),
            ('media.adopt_strays', 'worker admin'),
            ('ops.drop_faulty_variants', 'worker admin'),
            ('media.list_objects', 'worker app readonly admin'),
            ('media.show_object', 'worker app readonly admin'),
            ('queue.set_pipeline', 'worker admin'),
            ('queue.drop_pipeline', 'worker admin'),
            ('queue.list_pipelines', 'worker app readonly admin'),
            ('queue.show_pipeline', 'worker app readonly admin'),
            ('queue.cancel_job', 'worker app admin'),
            ('queue.retry_job', 'worker app admin'),
            ('queue.reprioritise_job', 'worker app admin'),
            ('queue.run_job_now', 'worker app admin'),
            ('queue.reschedule_job', 'worker app admin'),
            ('queue.retry_jobs', 'worker app admin'),
            ('queue.cancel_jobs', 'worker app admin'),
            ('queue.reprioritise_jobs', 'worker app admin'),
            ('queue.run_jobs_now', 'worker app admin'),
            ('queue.reschedule_jobs', 'worker app admin'),
            ('queue.explain_job', 'worker app readonly admin'),
            ('queue.pause', 'worker admin'),
            ('queue.resume', 'worker admin'),
            ('queue.list_pauses', 'worker readonly admin'),
            ('queue.set_limit', 'worker admin'),
            ('queue.drop_limit', 'worker admin'),
            ('queue.list_limits', 'worker readonly admin'),
            ('queue.admit_parked', 'worker'),
            ('queue.register_worker', 'worker'),
            ('queue.claim_jobs', 'worker'),
            ('queue.settle_and_claim', 'worker'),
            ('queue.settle_jobs', 'worker'),
            ('queue.locked_jobs', 'worker'),
            ('queue.advance_video', 'worker'),
            ('queue.complete_job', 'worker'),
            ('queue.fail_job', 'worker'),
            ('queue.snooze_job', 'worker'),
            ('queue.release_job', 'worker'),
            ('queue.heartbeat', 'worker'),
            ('queue.rescue_expired', 'worker'),
            ('queue.promote_due', 'worker'),
            ('queue.mark_worker_dead', 'worker'),
            ('queue.deregister_worker', 'worker'),
            ('queue.set_worker_trouble', 'worker'),
            ('queue.drain_worker', 'worker admin'),
            ('queue.drain_host', 'worker admin'),
            ('queue.set_worker_listening', 'worker'),
            ('queue.set_worker_busy', 'worker'),
            ('queue.list_jobs', 'worker app readonly admin'),
            ('queue.count_jobs', 'worker app readonly admin'),
            ('queue.job_names', 'worker app readonly admin'),
            ('queue.show_job', 'worker app readonly admin'),
            ('queue.job_logs', 'worker readonly admin'),
            ('queue.running_jobs', 'worker app readonly admin'),
            ('queue.recent_failures', 'worker app readonly admin'),
            ('queue.count_errors', 'worker readonly admin'),
            ('queue.list_workers', 'worker readonly admin'),
            ('queue.depth', 'worker readonly admin'),
            ('queue.rates', 'worker readonly admin'),
            ('queue.tenant_depth', 'worker app readonly admin'),
            ('queue.tenant_rates', 'worker app readonly admin'),
            ('queue.tenant_stats', 'worker app readonly admin'),
            ('queue.verify', 'worker admin'),
            ('queue.verify_window', 'worker admin'),
            ('queue.next_window', 'worker admin'),
            ('queue.list_history', 'worker app readonly admin'),
            ('queue.stats', 'worker readonly admin'),
            ('queue.setting', 'worker readonly admin'),
            ('identity.list_tenants', 'worker admin'),
            ('identity.find_tenant', 'worker admin'),
            ('identity.act_for', 'worker app readonly admin'),
            ('identity.set_tenant_status', 'worker admin'),
            -- the view identity.accounts calls it with the reader's rights
            ('base.next_monthly', 'worker app readonly admin'),
            ('identity.find_account', 'worker admin'),
            ('identity.show_tenant', 'worker admin'),
            ('identity.set_tenant', 'worker admin'),
            ('identity.tenant_config', 'worker app readonly admin'),
            ('identity.set_tenant_config', 'worker app admin'),
            ('identity.set_subscription', 'worker admin'),
            ('identity.end_subscription', 'worker admin'),
            ('identity.list_subscriptions', 'worker admin'),
            ('identity.end_trials', 'worker admin'),
            ('identity.tell_trial_ends', 'worker admin'),
            ('identity.tell_key_expiries', 'worker admin'),
            ('identity.show_quota', 'worker app readonly admin'),
            ('identity.set_quota', 'worker admin'),
            ('identity.reset_quotas', 'worker admin'),
            ('identity.authenticate', 'worker app'),
            ('identity.has_scope', 'worker app readonly admin'),
            ('identity.check_scope', 'worker app readonly admin'),
            ('identity.create_key', 'worker app admin'),
            ('identity.list_keys', 'worker app readonly admin'),
            ('identity.show_key', 'worker app readonly admin'),
            ('identity.revoke_key', 'worker app admin'),
            ('identity.rotate_key', 'worker app admin'),
            ('identity.forget_key_uses', 'worker admin'),
            -- Accounts: a worker has no business with them. In a tenant its admins manage them, and others themselves.
            ('identity.find_user', 'app readonly admin'),
            ('identity.list_users', 'app readonly admin'),
            ('identity.show_user', 'app readonly admin'),
            ('identity.create_user', 'app admin'),
            ('identity.invite_user', 'app admin'),
            ('identity.change_user', 'app admin'),
            ('identity.set_user_role', 'app admin'),
            ('identity.set_user_status', 'app admin'),
            ('identity.delete_user', 'app admin'),
            ('identity.restore_user', 'app admin'),
            ('identity.unlock_user', 'app admin'),
            ('identity.begin_login', 'app admin'),
            ('identity.finish_login', 'app admin'),
            ('identity.give_proof', 'app admin'),
            ('identity.show_challenge', 'app admin'),
            ('identity.finish_second_factor', 'app admin'),
            ('identity.hash_again', 'app admin'),
            ('identity.set_password', 'app admin'),
            ('identity.enrol_second_factor', 'app admin'),
            ('identity.second_factor_secret', 'app admin'),
            ('identity.confirm_second_factor', 'app admin'),
            ('identity.drop_second_factor', 'app admin'),
            ('identity.open_session', 'app admin'),
            ('identity.check_session', 'app admin'),
            ('identity.close_session', 'app admin'),
            ('identity.list_sessions', 'app readonly admin'),
            ('identity.revoke_session', 'app admin'),
            ('identity.revoke_sessions', 'app admin'),
            ('identity.show_token', 'app admin'),
            ('identity.request_reset', 'app admin'),
            ('identity.use_password_token', 'app admin'),
            ('identity.request_verification', 'app admin'),
            ('identity.verify_email', 'app admin'),
            ('identity.refuse_credentials', 'app admin'),
            ('identity.argon2_parameters', 'app admin'),
            ('identity.list_login_settings', 'readonly admin'),
            ('identity.set_login_setting', 'admin'),
            ('identity.remove_ended', 'worker admin'),
            ('queue.set_schedule', 'worker admin'),
            ('queue.drop_schedule', 'worker admin'),
            ('queue.pause_schedule', 'worker admin'),
            ('queue.resume_schedule', 'worker admin'),
            ('queue.list_schedules', 'worker admin'),
            ('queue.run_schedules', 'worker admin'),
            ('queue.next_tick', 'worker admin'),
            ('queue.set_setting', 'worker admin'),
            ('queue.archive_jobs', 'worker admin'),
            ('queue.roll_up_stats', 'worker admin'),
            ('queue.tidy_identity', 'worker admin'),
            -- ops.maintain_partitions is the owner's: it makes and drops tables; so is queue.sync_job_type: what a worker's
            -- host may run must not decide with which limits it runs
            ('ops.list_partitions', 'worker readonly admin'),
            -- ids of keys and envelopes; no worker rotates
            ('ops.list_sealed_columns', 'admin'),
            ('ops.list_used_secret_keys', 'admin'),
            ('ops.list_secret_keys', 'admin'),
            ('ops.count_sealed_rows', 'admin'),
            ('ops.list_sealed_rows', 'admin'),
            ('ops.replace_sealed_rows', 'admin'),
            ('ops.set_current_secret_key', 'admin'),
            ('ops.forget_secret_key', 'admin'),
            ('ops.health', 'worker readonly admin'),
            ('ops.relay_events', 'worker admin'),
            -- making and restoring one is the owner's
            ('ops.list_backups', 'admin'),
            ('ops.list_event_types', 'worker app readonly admin'),
            ('ops.add_event_type', 'worker admin'),
            ('ops.emit_event', 'worker app admin'),
            ('ops.list_events', 'worker app readonly admin'),
            -- endpoints: a tenant's own, for it and its admins
            ('ops.create_webhook', 'worker app admin'),
            ('ops.list_webhooks', 'worker app readonly admin'),
            ('ops.set_webhook', 'worker app admin'),
            ('ops.rotate_webhook_secret', 'worker app admin'),
            ('ops.test_webhook', 'worker app admin'),
            ('ops.enable_webhook', 'worker app admin'),
            ('ops.disable_webhook', 'worker app admin'),
            ('ops.delete_webhook', 'worker app admin'),
            ('ops.replay_events', 'worker app admin'),
            ('ops.list_deliveries', 'worker app readonly admin'),
            ('ops.webhook_target', 'worker'),
            ('ops.note_webhook_failure', 'worker'),
            ('ops.note_webhook_success', 'worker'),
            ('ops.note_probe', 'worker'),
            ('ops.tend_webhooks', 'worker admin'),
            ('ops.events_after', 'worker app readonly admin'),
            -- a message comes in: in the transaction of its effect
            ('ops.receive_message', 'worker app admin'),
            -- notifications: a user's own; the tenant's for itself and its admins
            ('ops.list_notifications', 'worker app readonly admin'),
            ('ops.count_unread', 'worker app readonly admin'),
            ('ops.mark_read', 'worker app admin'),
            ('ops.send_notification', 'worker app admin'),
            ('ops.set_notification_setting', 'worker app admin'),
            ('ops.list_notification_settings', 'worker app readonly admin'),
            ('ops.add_push_subscription', 'worker app admin'),
            ('ops.remove_push_subscription', 'worker app admin'),
            ('ops.purge_notifications', 'worker admin'),
            ('ops.mail_reset', 'worker app admin'),
            ('ops.mail_verification', 'worker app admin'),
            ('ops.mail_invitation', 'worker app admin'),
            ('ops.token_to_mail', 'worker'),
            ('ops.mail_to_send', 'worker'),
            ('ops.push_to_send', 'worker'),
            ('ops.note_sent', 'worker'),
            ('ops.forget_push_subscription', 'worker'),
            -- ops.tables_to_vacuum and ops.prune_clock are the owner's
            ('ops.begin_task', 'worker admin'),
            ('ops.keep_task', 'worker admin'),
            ('ops.end_task', 'worker admin'),
            ('ops.list_tasks', 'worker readonly admin'),
            ('ops.set_task', 'admin'),
            ('ops.tell_late_tasks', 'worker admin'),
            ('ops.config_value', 'worker readonly admin'),
            ('ops.list_config', 'worker readonly admin'),
            ('ops.sealed_config', 'worker admin'),
            ('ops.set_config', 'admin'),
            ('ops.set_sealed_config', 'admin'),
            ('ops.is_flag_on', 'worker app readonly admin'),
            ('ops.explain_flag', 'worker readonly admin'),
            ('ops.list_flags', 'worker readonly admin'),
            ('ops.set_flag', 'admin'),
            ('ops.set_flag_for', 'admin'),
            ('ops.delete_flag', 'admin'),
            -- personal data: a user's own, the tenant's, all
            ('ops.find_subject', 'worker app admin'),
            ('ops.request_erasure', 'worker app admin'),
            ('ops.list_erasures', 'worker app readonly admin'),
            ('ops.begin_export', 'worker app admin'),
            ('ops.export_tables', 'worker app admin'),
            ('ops.export_rows', 'worker app admin'),
            ('ops.export_objects', 'worker app admin'),
            ('ops.count_rows_of_user', 'worker app admin'),
            ('ops.find_pii_of_user', 'worker app admin'),
            ('ops.begin_erasure', 'worker admin'),
            ('ops.erase_rows', 'worker admin'),
            ('ops.objects_to_erase', 'worker admin'),
            ('ops.keys_in_use', 'worker admin'),
            ('ops.erase_assets', 'worker admin'),
            ('ops.personal_columns', 'worker admin'),
            ('ops.pii_tables', 'worker admin'),
            ('ops.find_pii', 'worker admin'),
            -- masked views call these with the caller's rights
            ('base.is_support', 'support admin'),
            ('base.mask_email', 'support admin'),
            ('base.mask_phone', 'support admin'),
            ('base.mask_card', 'support admin'),
            ('base.mask_iban', 'support admin'),
            ('base.mask_text', 'support admin'),
            ('base.mask_url', 'support admin'),
            ('base.mask_message', 'support admin'),
            ('base.mask_pii', 'support admin'),
            ('base.find_pii', 'support admin'),
            ('base.is_card', 'support admin'),
            ('base.is_iban', 'support admin'),
            ('ops.list_acts', 'app readonly admin'),
            ('ops.failed_logins', 'app readonly admin'),
            ('ops.idle_keys', 'app readonly admin'),
            ('ops.overused_keys', 'app readonly admin'),
            ('queue.health', 'worker readonly admin'),
            ('queue.repair', 'worker admin')
        ) as listed (name, roles)
        -- By name, whatever the arguments: an old signature lives one release longer.
        inner join pg_catalog.pg_proc as routine on routine.proname = split_part(listed.name, '.', 2)
        where routine.pronamespace = to_regnamespace(split_part(listed.name, '.', 1))
    loop
        execute format('grant execute on function %s to %s', v_grant.routine, v_grant.roles);
    end loop;
end;
$$;

do $$
declare
    v_grant record;
begin
    for v_grant in
        select
            to_regclass(listed.name) as relation,
            listed.privileges,
            'reelq_' || array_to_string(string_to_array(listed.roles, ' '), ', reelq_') as roles
        from (
            values
            ('base.schema_ledger', 'worker app readonly admin', 'select'),
            ('base.schema_objects', 'worker readonly', 'select'),
            ('identity.tenants', 'app readonly', 'select'),
            -- neither the password's hash nor the second factor, for nobody
            (
                'identity.users', 'app readonly',
                'select (id, tenant_id, email, email_verified, username, full_name, avatar_url, role, status, '
                'settings, metadata, timezone, language, two_factor_enabled, last_login_at, '
                'locked_until, created_at, updated_at, status_changed_at, deleted_at)'
            ),
            ('identity.tenant_configs', 'app readonly', 'select'),
            ('identity.subscriptions', 'app readonly', 'select'),
            ('identity.quotas', 'app readonly', 'select'),
            ('identity.accounts', 'app readonly', 'select'),
            -- not the hash, for nobody
            (
                'identity.api_keys', 'app readonly',
                'select (id, tenant_id, user_id, name, prefix, scopes, hourly_limit, expires_at, revoked_at, replaced_by, created_by, created_at, '
                'updated_at)'
            ),
            -- no hash of a token or code, for nobody
            (
                'identity.user_sessions', 'app readonly',
                'select (id, tenant_id, user_id, device, ip_address, user_agent, second_factor, expires_at, revoked_at, '
                'revoked_because, created_at, updated_at)'
            ),
            (
                'identity.one_time_tokens', 'app readonly',
                'select (id, tenant_id, user_id, purpose, email, expires_at, used_at, created_at, updated_at)'
            ),
            ('identity.recovery_codes', 'app readonly', 'select (id, tenant_id, user_id, used_at, created_at, updated_at)'),
            ('identity.login_settings', 'readonly', 'select'),
            ('media.assets', 'app readonly', 'select'),
            ('media.videos', 'app readonly', 'select'),
            ('media.variants', 'app readonly', 'select'),
            ('media.bundles', 'app readonly', 'select'),
            ('media.bundle_members', 'app readonly', 'select'),
            ('media.objects', 'app readonly', 'select'),
            ('media.job_files', 'app readonly', 'select'),
            ('media.video_overview', 'app readonly', 'select'),
            ('media.video_urls', 'app readonly', 'select'),
            ('media.images', 'app readonly', 'select'),
            ('media.audios', 'app readonly', 'select'),
            ('media.documents', 'app readonly', 'select'),
            ('queue.schedules', 'app readonly', 'select'),
            ('queue.processing_jobs', 'app', 'select'),
            -- what queue.enqueue_job takes: neither a kind of work of its own (weight, needs) nor an age
            (
                'queue.processing_jobs', 'app',
                'insert (job_type, video_id, asset_id, tenant_id, user_id, job_data, priority, scheduled_for, depends_on, '
                'depends_on_job_id, on_parent_failure, idempotency_key, max_attempts, limits, channel_id, pipeline_run, pipeline_step)'
            ),
            ('queue.processing_jobs', 'readonly', 'select'),
            ('queue.job_history', 'app readonly', 'select'),
            ('queue.all_jobs', 'app readonly', 'select'),
            ('queue.settings', 'worker readonly', 'select'),
            ('queue.job_types', 'worker app readonly', 'select'),
            ('queue.retry_policies', 'worker app readonly', 'select'),
            ('queue.upkeep', 'worker readonly', 'select'),
            ('queue.pipelines', 'worker app readonly', 'select'),
            ('queue.pipeline_steps', 'worker app readonly', 'select'),
            ('ops.erasures', 'app readonly', 'select'),
            ('ops.event_types', 'app readonly', 'select'),
            ('ops.events', 'app readonly', 'select'),
            ('ops.outbox', 'app readonly', 'select'),
            ('ops.webhooks', 'app readonly', 'select'),
            ('ops.inbox', 'app readonly', 'select'),
            ('ops.notifications', 'app readonly', 'select'),
            ('ops.notification_settings', 'app readonly', 'select'),
            ('ops.token_mails', 'app readonly', 'select'),
            -- not the secret, for nobody
            ('ops.push_subscriptions', 'app readonly', 'select (id, tenant_id, user_id, endpoint, p256dh, device, created_at, updated_at)'),
            ('identity.users_masked', 'support', 'select'),
            ('media.videos_masked', 'support', 'select'),
            ('media.assets_masked', 'support', 'select'),
            ('queue.processing_jobs_masked', 'support', 'select'),
            ('queue.job_history_masked', 'support', 'select'),
            ('queue.job_attempts_masked', 'support', 'select'),
            ('queue.attempt_history_masked', 'support', 'select'),
            ('ops.audit_logs_masked', 'support', 'select'),
            -- not by which role, program and address an operator came
            (
                'ops.audit_logs', 'app readonly',
                'select (id, tenant_id, actor_kind, user_id, api_key_id, subject_user_id, request_id, client_ip, user_agent, action, '
                'entity_type, entity_id, before, after, diff, facts, risk_score, redacted_at, created_at)'
            )
        ) as listed (name, roles, privileges)
        where to_regclass(listed.name) is not null
    loop
        execute format('grant %s on %s to %s', v_grant.privileges, v_grant.relation, v_grant.roles);
    end loop;
end;
$$;

-- Operators see every table and view, but no column whose comment says that it is a secret.
do $$
declare
    v_table record;
begin
    for v_table in
        select
            c.oid::regclass as name,
            string_agg(format('%I', a.attname), ', ') filter (where not d.is_secret) as columns,
            bool_or(d.is_secret) as has_secrets
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        cross join lateral (select coalesce(col_description(c.oid, a.attnum) ~ '^Secret\.|\[secret\]$', false)) as d (is_secret)
        where c.relnamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops') and c.relkind in ('r', 'p', 'v') and not c.relispartition
        group by c.oid
    loop
        if v_table.has_secrets then
            execute format('grant select (%s) on %s to reelq_admin', v_table.columns, v_table.name);
        else
            execute format('grant select on %s to reelq_admin', v_table.name);
        end if;
    end loop;
end;
$$;

-- Whose rows they are. Policies are made once; where they stand nothing is locked.
do $$
declare
    v_table record;
begin
    for v_table in
        select c.oid::regclass as name
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_policy as p on p.polrelid = c.oid and p.polname = 'owner_sees_all'
        where c.relnamespace::regnamespace::text in ('identity', 'media', 'queue', 'ops') and not c.relispartition
            and not exists (select from pg_catalog.pg_policy as a where a.polrelid = c.oid and a.polname = 'admin_sees_all')
        order by c.oid
    loop
        execute format('create policy admin_sees_all on %s for select to reelq_admin using (true)', v_table.name);
    end loop;
    -- What has no line here shows every user of a tenant all of its rows: its own name, say.
    for v_table in
        select to_regclass(listed.own ->> 0) as name, listed.own ->> 1 as own
        from jsonb_array_elements($json$[
            ["identity.users", "id = (select identity.limited_to())"],
            ["identity.subscriptions", "user_id = (select identity.limited_to())"],
            ["identity.quotas", "user_id = (select identity.limited_to())"],
            ["identity.api_keys", "user_id = (select identity.limited_to())"],
            ["identity.user_sessions", "user_id = (select identity.limited_to())"],
            ["identity.one_time_tokens", "user_id = (select identity.limited_to())"],
            ["identity.recovery_codes", "user_id = (select identity.limited_to())"],
            ["media.assets", "owner_user_id = (select identity.limited_to())"],
            ["media.videos", "user_id = (select identity.limited_to())"],
            ["media.variants", "exists (select from media.assets as a where a.id = asset_id)"],
            ["media.bundle_members", "exists (select from media.assets as a where a.id = asset_id)"],
            ["media.objects", "exists (select from media.assets as a where a.object_id = objects.id) or exists (select from media.variants as r where r.object_id = objects.id) or exists (select from media.job_files as f where f.object_id = objects.id)"],
            ["media.job_files", "user_id = (select identity.limited_to())"],
            ["queue.processing_jobs", "user_id = (select identity.limited_to())"],
            ["queue.job_history", "user_id = (select identity.limited_to())"],
            ["queue.schedules", "false"],
            ["ops.erasures", "user_id = (select identity.limited_to())"],
            ["ops.outbox", "false"],
            ["ops.events", "false"],
            ["ops.webhooks", "false"],
            ["ops.inbox", "false"],
            ["ops.notifications", "user_id = (select identity.limited_to())"],
            ["ops.notification_settings", "user_id = (select identity.limited_to())"],
            ["ops.push_subscriptions", "user_id = (select identity.limited_to())"],
            ["ops.token_mails", "user_id = (select identity.limited_to())"],
            ["ops.audit_logs", "user_id = (select identity.limited_to())"]
        ]$json$) as listed (own)
        where to_regclass(listed.own ->> 0) is not null
    loop
        perform base.protect_user_rows(v_table.name, v_table.own);
    end loop;
end;
$$;

-- Who hears of changes: a table that came with this version has its triggers from here on.
do $$
begin
    perform ops.attach_audit();
end;
$$;
