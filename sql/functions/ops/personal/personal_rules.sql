create or replace function ops.personal_rules()
returns table (relation text, step integer, action text, finds text, blanks jsonb, reason text)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Arrays, and no joins: whatever the planner believes of the tables, it looks each one up by an index.
    with sets as (
        select
            't.id = any(array(select j.id from queue.processing_jobs as j where j.user_id = $1 '
            'union all select j.id from media.videos as v inner join queue.processing_jobs as j on j.video_id = v.id where v.user_id = $1 '
            'union all select j.id from media.assets as a inner join queue.processing_jobs as j on j.asset_id = a.id '
            'where a.owner_user_id = $1 and j.video_id is null))' as jobs
    ),
    more as (
        select
            s.jobs,
            replace(s.jobs, 'queue.processing_jobs', 'queue.job_history') as history
        from sets as s
    )
    select listed.relation, listed.step, listed.action, listed.finds, listed.blanks::jsonb, listed.reason
    from more as m
    cross join lateral (
        values
        -- First what lets somebody in.
        ('identity.user_sessions', 11, 'delete', 't.user_id = $1', '{}', 'Who is logged in where.'),
        (
            'identity.session_last_uses', 11, 'with',
            't.session_id = any(array(select s.id from identity.user_sessions as s where s.user_id = $1))', '{}', 'Goes with its session.'
        ),
        ('identity.one_time_tokens', 12, 'delete', 't.user_id = $1', '{}', 'What was mailed to them.'),
        ('identity.recovery_codes', 13, 'delete', 't.user_id = $1', '{}', 'What stands in for their second factor.'),
        ('identity.login_attempts', 14, 'delete', 't.user_id = $1', '{}', 'Log-ins under way; others live five minutes.'),
        ('identity.api_keys', 15, 'delete', 't.user_id = $1', '{}', 'Keys that act for them; their uses go along.'),
        ('identity.subscriptions', 16, 'delete', 't.user_id = $1', '{}', 'The payment provider keeps its own books.'),
        ('identity.quotas', 17, 'delete', 't.user_id = $1', '{}', 'How many videos they brought in.'),
        ('queue.schedules', 18, 'delete', 't.video_id = any(array(select v.id from media.videos as v where v.user_id = $1))', '{}', 'Before its jobs, of which it would make more.'),
        ('ops.notifications', 19, 'delete', 't.user_id = $1', '{}', 'What they were told. Nobody else is shown the titles of their videos in one.'),
        ('ops.push_subscriptions', 20, 'delete', 't.user_id = $1', '{}', 'Browsers of theirs.'),
        ('ops.notification_settings', 21, 'delete', 't.user_id = $1', '{}', 'By which channels they wanted to be told.'),
        ('ops.token_mails', 22, 'delete', 't.user_id = $1', '{}', 'Where tokens were mailed to within a day.'),
        -- ops.cancel_jobs_of_user, ops.erase_shared and ops.erase_assets know the order of locks and of bytes and rows.
        ('queue.processing_jobs', 30, 'steps', m.jobs, '{}', 'Running ones are cancelled first. About a video of somebody else: the job stays and bears no user.'),
        ('queue.job_attempts', 31, 'with', replace(m.jobs, 't.id', 't.job_id'), '{}', 'Goes with its job.'),
        ('queue.leases', 32, 'with', replace(m.jobs, 't.id', 't.job_id'), '{}', 'Goes with its job.'),
        ('queue.job_history', 33, 'steps', m.history, '{}', 'As queue.processing_jobs.'),
        ('queue.attempt_history', 34, 'with', replace(m.history, 't.id', 't.job_id'), '{}', 'Goes with its job.'),
        ('media.videos', 40, 'steps', 't.user_id = $1', '{}', 'Their titles.'),
        (
            'media.assets', 41, 'steps',
            't.id = any(array(select a.id from media.assets as a where a.owner_user_id = $1 union all select v.asset_id from media.videos as v where v.user_id = $1))',
            '{"owner_user_id": "null", "source_url": "null", "original_filename": "null"}',
            'The bytes go before the row. A file that a video of somebody else is about stays, and says no more where it came from; its owner''s row stays as it is.'
        ),
        (
            'media.variants', 42, 'with',
            't.asset_id = any(array(select a.id from media.assets as a where a.owner_user_id = $1 union all select v.asset_id from media.videos as v where v.user_id = $1))',
            '{}', 'Goes with its file, the bytes first.'
        ),
        ('identity.users', 90, 'steps', 't.id = $1', '{}', 'Last, so that an erasure that was interrupted knows whom.'),
        (
            'ops.audit_logs', 91, 'redact', '(t.user_id = $1 or t.subject_user_id = $1) and (select true from identity.users as u where u.id = $1)', '{}',
            'ops.redact_audit: what was done stays, by ids; values and addresses go. Once the account is gone nothing of theirs is there.'
        ),
        ('ops.audit_redactions', 92, 'keep', 't.user_id = $1 and t.personal_values <> ''{}''', '{}', 'Says that values were blanked; holds none of them afterwards.')
    ) as listed (relation, step, action, finds, blanks, reason);
$$;

comment on function ops.personal_rules() is $$
What becomes of a user's rows, a row for each table that holds personal columns or goes with one that does. Export reads all of them, erasure follows them. A table with a
[personal] column and no row here fails a test. Tables that are not there are passed over.

Returns
  step      the order
  action    delete: its rows are deleted by what stands here; blank: the columns of `blanks` are set, and the rows stay; steps: by ops.erase_jobs, erase_shared,
            erase_assets or the last step of ops.erase_rows; with: goes with another's rows, by foreign key or trigger; redact: by ops.redact_audit; keep: stays
  finds     condition for rows t of the user $1. Of delete and blank: false as soon as it is done
  blanks    JSON object: column → SQL expression
  reason    why it is so
$$;
