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
            ('media.measured_columns', 'worker'),
            ('media.variant_columns', 'worker'),
            ('media.create_video', 'worker'),
            ('media.get_work', 'worker'),
            ('media.record_original', 'worker'),
            ('media.record_probe', 'worker'),
            ('media.put_variant', 'worker'),
            ('media.finish_video', 'worker'),
            ('media.fail_video', 'worker'),
            ('media.reopen_video', 'worker admin'),
            ('queue.help', 'worker app readonly admin'),
            ('media.find_store', 'worker admin'),
            ('media.register_store', 'worker admin'),
            ('queue.enqueue_job', 'worker app admin'),
            ('queue.enqueue_jobs', 'worker app admin'),
            ('queue.spawn_jobs', 'worker'),
            ('queue.enqueue_pipeline', 'worker app admin'),
            ('queue.ingest_video', 'worker app admin'),
            ('queue.rerun_video', 'worker app admin'),
            ('queue.cancel_run', 'worker app admin'),
            ('queue.delete_video', 'worker app admin'),
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
            -- ops.maintain_partitions is the owner's: it makes and drops tables; so is queue.sync_job_type: what a worker's
            -- host may run must not decide with which limits it runs
            ('ops.list_partitions', 'worker readonly admin'),
            ('ops.health', 'worker readonly admin'),
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
            ('queue.pipeline_steps', 'worker app readonly', 'select'),
            ('ops.erasures', 'app readonly', 'select'),
            ('identity.users_masked', 'support', 'select'),
            ('media.videos_masked', 'support', 'select'),
            ('media.assets_masked', 'support', 'select'),
            ('queue.processing_jobs_masked', 'support', 'select'),
            ('queue.job_history_masked', 'support', 'select'),
            ('queue.job_attempts_masked', 'support', 'select'),
            ('queue.attempt_history_masked', 'support', 'select')
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
            ["media.assets", "owner_user_id = (select identity.limited_to())"],
            ["media.videos", "user_id = (select identity.limited_to())"],
            ["media.variants", "exists (select from media.assets as a where a.id = asset_id)"],
            ["queue.processing_jobs", "user_id = (select identity.limited_to())"],
            ["queue.job_history", "user_id = (select identity.limited_to())"],
            ["queue.schedules", "false"],
            ["ops.erasures", "user_id = (select identity.limited_to())"]
        ]$json$) as listed (own)
        where to_regclass(listed.own ->> 0) is not null
    loop
        perform base.protect_user_rows(v_table.name, v_table.own);
    end loop;
end;
$$;
