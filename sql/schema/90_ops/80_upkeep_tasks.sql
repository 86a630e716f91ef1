create table ops.upkeep_tasks (
    name text primary key,
    place integer not null,
    about text not null,
    cron text not null,
    late_after interval not null,
    time_limit interval not null,
    owner_only boolean not null default false,
    enabled boolean not null default true,
    next_at timestamptz not null default base.clock(),
    retry_at timestamptz,
    token bigint not null default 0,
    lease_until timestamptz,
    began_at timestamptz,
    ended_at timestamptz,
    succeeded_at timestamptz,
    who text,
    outcome text,
    error text,
    result jsonb,
    failures integer not null default 0,
    told_late_for timestamptz,
    after text,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint name_is_a_plain_word check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint late_after_is_1_minute_to_60_days check (late_after between interval '1 minute' and interval '60 days'),
    constraint time_limit_is_1_minute_to_7_days check (time_limit between interval '1 minute' and interval '7 days'),
    constraint outcome_is_known check (outcome in ('done', 'failed', 'later', 'interrupted')),
    constraint result_is_an_object check (jsonb_typeof(result) = 'object'),
    constraint failures_are_not_negative check (failures >= 0)
) with (fillfactor = 50);

comment on table ops.upkeep_tasks is $$
What keeps the database in shape, a row a task: when it is due, who does it just now, and how it went. ops.begin_task decides who may do it, so that several
clocks at once do no harm; what a task does is in the program (worker/upkeep). Operators change the schedule by ops.set_task.
$$;
comment on column ops.upkeep_tasks.name is 'Its name, as in reelq upkeep run NAME. [internal]';
comment on column ops.upkeep_tasks.place is 'Of several that are due the least is done first. [internal]';
comment on column ops.upkeep_tasks.about is 'What it does. [internal]';
comment on column ops.upkeep_tasks.cron is 'When, in UTC: a cron expression as queue.next_tick reads it. [internal]';
comment on column ops.upkeep_tasks.late_after is 'So long after its tick it is late, for ops.health and the event upkeep.late. [internal]';
comment on column ops.upkeep_tasks.time_limit is 'Whoever does it gives it up after so long, and another may begin. [internal]';
comment on column ops.upkeep_tasks.owner_only is 'Whether only the owner of the schema can do it: it makes, drops or vacuums tables. [internal]';
comment on column ops.upkeep_tasks.enabled is 'False: an operator has switched it off. [internal]';
comment on column ops.upkeep_tasks.next_at is 'The tick that it is to be done for next; moves on when it was done, not when it begins. [internal]';
comment on column ops.upkeep_tasks.retry_at is 'After a failure: not before; null: as soon as it is due. [internal]';
comment on column ops.upkeep_tasks.token is 'Of the latest run; each has one more. What ends with an older one is not written down. [internal]';
comment on column ops.upkeep_tasks.lease_until is 'Until when whoever does it has it for himself, unless he says that he goes on; null: nobody does it. [internal]';
comment on column ops.upkeep_tasks.began_at is 'When it last began; null: never. [internal]';
comment on column ops.upkeep_tasks.ended_at is 'When it last ended, however. [internal]';
comment on column ops.upkeep_tasks.succeeded_at is 'When it was last done. [internal]';
comment on column ops.upkeep_tasks.who is 'Who began it: the clock, host and process. [internal]';
comment on column ops.upkeep_tasks.outcome is 'How it last ended: done, failed, later (something was in the way), interrupted (its process was told to end). [internal]';
comment on column ops.upkeep_tasks.error is 'Why it was not done, if it was not. [internal]';
comment on column ops.upkeep_tasks.result is 'What it did: a few figures. [internal]';
comment on column ops.upkeep_tasks.failures is 'How often it has failed since it was last done. [internal]';
comment on column ops.upkeep_tasks.told_late_for is 'The tick for which the event upkeep.late was written. [internal]';
comment on column ops.upkeep_tasks.after is 'The task that comes first where both are due, whichever clock does it; one that has failed is not waited for. [internal]';
comment on column ops.upkeep_tasks.created_at is 'When the row was made. [internal]';
comment on column ops.upkeep_tasks.updated_at is 'When the row last changed; kept by a trigger. [internal]';

create trigger touch_updated_at before update on ops.upkeep_tasks
for each row when (old.* is distinct from new.*) execute function base.tg_touch_updated_at();
