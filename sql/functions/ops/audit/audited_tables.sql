create or replace function ops.audited_tables()
returns table (table_name text, entity_type text, events text, only_columns text[], except_columns text[], condition text)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select v.*
    from (
        values
        ('identity.tenants', 'tenant', 'insert update delete', null::text[], '{status_changed_at}'::text[], null),
        ('identity.tenant_configs', 'tenant_config', 'insert update delete', null, '{}', null),
        (
            'identity.users', 'user', 'insert update delete', null,
            '{last_login_at,last_login_ip,failed_login_attempts,locked_until,two_factor_last_step,status_changed_at}', null
        ),
        ('identity.subscriptions', 'subscription', 'insert update delete', null, '{status_changed_at,trial_end_told}', null),
        ('identity.quotas', 'quota', 'update delete', '{monthly_quota}', '{}', null),
        ('identity.api_keys', 'api_key', 'insert update delete', null, '{expiry_told}', null),
        -- Their end is told by what ends them: a hundred at once are one act.
        ('identity.user_sessions', 'session', 'insert', null, '{}', null),
        (
            'ops.webhooks', 'webhook', 'insert update delete', null,
            '{failures,failing_since,last_error,last_failed_at,last_success_at,probe_job_id}', null
        ),
        ('ops.event_types', 'event_type', 'insert update delete', null, '{}', null),
        ('media.stores', 'store', 'insert update delete', null, '{}', null),
        ('queue.job_types', 'job_type', 'insert update delete', null, '{}', null),
        ('queue.retry_policies', 'retry_policy', 'insert update delete', null, '{}', null),
        ('queue.settings', 'setting', 'insert update delete', null, '{}', null),
        ('queue.pipelines', 'pipeline', 'insert update delete', null, '{}', null),
        ('queue.pipeline_steps', 'pipeline_step', 'insert update delete', null, '{}', null),
        (
            'queue.schedules', 'schedule', 'insert update delete', null,
            '{next_run_at,last_run_at,last_job_id,last_error,last_enqueued_at}', null
        ),
        -- Without a number of its own the row of a tenant is made by whoever enqueues.
        ('queue.limits', 'limit', 'insert update delete', '{max_running}', '{}', '(row).max_running is not null'),
        ('queue.pauses', 'pause', 'insert update delete', null, '{}', null),
        ('ops.upkeep_tasks', 'upkeep_task', 'update', '{cron,late_after,enabled}', '{}', null),
        -- Rows come with the product; what operators set is an update.
        ('ops.system_config', 'setting', 'update delete', '{value,sealed_value}', '{}', null),
        ('ops.feature_flags', 'feature_flag', 'insert update delete', null, '{}', null)
    ) as v (table_name, entity_type, events, only_columns, except_columns, condition);
$$;

comment on function ops.audited_tables() is $$
The tables whose changes are audited by ops.tg_audit; ops.attach_audit puts the triggers on those that are there. What every job passes
through is not among them: jobs, ready, leases, attempts.

Returns
  entity_type     what the audit calls a row of it
  events          on what: insert, update, delete
  only_columns    an update of other columns is no act; null: of any but the next
  except_columns  what changes all the time and is no act
  condition       of insert and delete: which rows; (row) is the row
$$;
