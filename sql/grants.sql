-- Who may do what; runs last, and again when its text changes. A name that is not there (yet) is passed over: a test
-- proves that each one exists in a whole installation.
--   worker    reelq_worker: claims, settles, records what was made; for every tenant; touches no table by hand
--   app       reelq_app: enqueues and reads, for the tenant in reelq.tenant_id
--   readonly  reelq_readonly: reads, for the tenant in reelq.tenant_id
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
        execute format('revoke all on all tables in schema %I from public, reelq_worker, reelq_app, reelq_readonly', v_space);
        execute format('revoke all on all routines in schema %I from public, reelq_worker, reelq_app, reelq_readonly', v_space);
        execute format('grant usage on schema %I to reelq_worker, reelq_app, reelq_readonly', v_space);
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
            ('base.clock', 'worker app readonly'),
            ('base.uuid_v7', 'worker app readonly'),
            ('base.accepts_program', 'worker app readonly'),
            ('base.current_tenant', 'worker app readonly'),
            ('base.is_trusted', 'worker app readonly'),
            ('base.may_act_for', 'worker app readonly'),
            ('base.check_read_committed', 'worker app readonly'),
            ('base.isolation_refusal', 'worker app readonly'),
            ('media.list_videos', 'worker app readonly'),
            ('media.show_video', 'worker app readonly'),
            ('media.list_variants', 'worker app readonly'),
            ('media.measured_columns', 'worker'),
            ('media.variant_columns', 'worker'),
            ('media.create_video', 'worker'),
            ('media.get_work', 'worker'),
            ('media.record_original', 'worker'),
            ('media.record_probe', 'worker'),
            ('media.put_variant', 'worker'),
            ('media.finish_video', 'worker'),
            ('media.fail_video', 'worker'),
            ('media.reopen_video', 'worker'),
            ('queue.help', 'worker app readonly'),
            ('media.find_store', 'worker'),
            ('media.register_store', 'worker'),
            ('queue.enqueue_job', 'worker app'),
            ('queue.check_own_row', 'app'),
            ('queue.enqueue_jobs', 'worker app'),
            ('queue.spawn_jobs', 'worker'),
            ('queue.enqueue_pipeline', 'worker app'),
            ('queue.ingest_video', 'worker app'),
            ('queue.rerun_video', 'worker app'),
            ('queue.cancel_run', 'worker app'),
            ('queue.delete_video', 'worker app'),
            ('queue.set_pipeline', 'worker'),
            ('queue.drop_pipeline', 'worker'),
            ('queue.list_pipelines', 'worker app readonly'),
            ('queue.show_pipeline', 'worker app readonly'),
            ('queue.cancel_job', 'worker app'),
            ('queue.retry_job', 'worker app'),
            ('queue.reprioritise_job', 'worker app'),
            ('queue.run_job_now', 'worker app'),
            ('queue.reschedule_job', 'worker app'),
            ('queue.retry_jobs', 'worker app'),
            ('queue.cancel_jobs', 'worker app'),
            ('queue.reprioritise_jobs', 'worker app'),
            ('queue.run_jobs_now', 'worker app'),
            ('queue.reschedule_jobs', 'worker app'),
            ('queue.explain_job', 'worker app readonly'),
            ('queue.pause', 'worker'),
            ('queue.resume', 'worker'),
            ('queue.list_pauses', 'worker readonly'),
            ('queue.set_limit', 'worker'),
            ('queue.drop_limit', 'worker'),
            ('queue.list_limits', 'worker readonly'),
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
            ('queue.drain_worker', 'worker'),
            ('queue.drain_host', 'worker'),
            ('queue.set_worker_listening', 'worker'),
            ('queue.set_worker_busy', 'worker'),
            ('queue.list_jobs', 'worker app readonly'),
            ('queue.count_jobs', 'worker app readonly'),
            ('queue.job_names', 'worker app readonly'),
            ('queue.show_job', 'worker app readonly'),
            ('queue.job_logs', 'worker readonly'),
            ('queue.running_jobs', 'worker app readonly'),
            ('queue.recent_failures', 'worker app readonly'),
            ('queue.count_errors', 'worker readonly'),
            ('queue.list_workers', 'worker readonly'),
            ('queue.depth', 'worker readonly'),
            ('queue.rates', 'worker readonly'),
            ('queue.tenant_depth', 'worker app readonly'),
            ('queue.tenant_rates', 'worker app readonly'),
            ('queue.tenant_stats', 'worker app readonly'),
            ('queue.verify', 'worker'),
            ('queue.verify_window', 'worker'),
            ('queue.next_window', 'worker'),
            ('queue.list_history', 'worker app readonly'),
            ('queue.stats', 'worker readonly'),
            ('queue.setting', 'worker readonly'),
            ('identity.list_tenants', 'worker'),
            ('identity.find_tenant', 'worker'),
            ('identity.act_for', 'worker app readonly'),
            ('identity.set_tenant_status', 'worker'),
            ('queue.set_schedule', 'worker'),
            ('queue.drop_schedule', 'worker'),
            ('queue.pause_schedule', 'worker'),
            ('queue.resume_schedule', 'worker'),
            ('queue.list_schedules', 'worker'),
            ('queue.run_schedules', 'worker'),
            ('queue.next_tick', 'worker'),
            ('queue.set_setting', 'worker'),
            ('queue.archive_jobs', 'worker'),
            ('queue.roll_up_stats', 'worker'),
            -- ops.maintain_partitions is the owner's: it makes and drops tables; so is queue.sync_job_type: what a worker's
            -- host may run must not decide with which limits it runs
            ('ops.list_partitions', 'worker readonly'),
            ('ops.health', 'worker readonly'),
            ('queue.health', 'worker readonly'),
            ('queue.repair', 'worker')
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
            ('base.schema_ledger', 'worker app readonly', 'select'),
            ('base.schema_objects', 'worker readonly', 'select'),
            ('identity.tenants', 'app readonly', 'select'),
            -- neither the password's hash nor the second factor, for nobody
            (
                'identity.users', 'app readonly',
                'select (id, tenant_id, email, email_verified, username, full_name, avatar_url, role, status, '
                'subscription_tier, subscription_status, trial_ends_at, monthly_quota, current_usage, '
                'quota_reset_date, settings, metadata, timezone, language, two_factor_enabled, last_login_at, '
                'locked_until, created_at, updated_at, status_changed_at, deleted_at)'
            ),
            ('media.assets', 'app readonly', 'select'),
            ('media.videos', 'app readonly', 'select'),
            ('media.variants', 'app readonly', 'select'),
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
            ('queue.pipeline_steps', 'worker app readonly', 'select')
        ) as listed (name, roles, privileges)
        where to_regclass(listed.name) is not null
    loop
        execute format('grant %s on %s to %s', v_grant.privileges, v_grant.relation, v_grant.roles);
    end loop;
end;
$$;
