create table queue.job_types (
    job_type text primary key,
    description text not null,
    priority smallint not null default 5,
    max_attempts integer not null default 3,
    max_crashes integer not null default 3,
    lease interval not null default '60 seconds',
    time_limit interval not null default '1 hour',
    stall_limit interval,
    weight integer not null default 1,
    needs text[] not null default '{}',
    batch integer not null default 1,
    limits text[] not null default '{}',
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    options_schema jsonb,
    declared jsonb,
    requires text,
    options_path jsonpath,
    tells_failure boolean not null default true,
    is_internal boolean not null default false,
    constraint job_type_is_a_plain_word check (job_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint priority_is_1_to_10 check (priority between 1 and 10),
    constraint max_attempts_is_positive check (max_attempts >= 1),
    constraint max_crashes_is_positive check (max_crashes >= 1),
    constraint lease_is_1_second_to_1_year check (lease between interval '1 second' and interval '1 year'),
    constraint time_limit_is_above_zero_and_at_most_1_year check (time_limit > interval '0' and time_limit <= interval '1 year'),
    constraint stall_limit_is_above_zero_and_at_most_1_year check (stall_limit > interval '0' and stall_limit <= interval '1 year'),
    constraint weight_is_1_to_1000 check (weight between 1 and 1000),
    constraint batch_is_1_to_1000 check (batch between 1 and 1000),
    constraint limits_are_words check (to_jsonb(limits)::text ~ '^\[("[a-z0-9][a-z0-9_.:-]{0,99}"(, )?)*\]$'),
    constraint needs_are_known check (array_position(needs, null) is null),
    constraint options_schema_is_an_object check (jsonb_typeof(options_schema) = 'object'),
    constraint requires_is_known check (requires in ('video', 'asset'))
);

comment on table queue.job_types is 'The kinds of work there are, and the defaults of each. An operator changes a row; new claims follow it.';
comment on column queue.job_types.job_type is 'Name of what does it: a module of worker/handlers/, or a function under @job_type in a package of its own.';
comment on column queue.job_types.description is 'One sentence for people.';
comment on column queue.job_types.priority is 'Default priority of a job: 1 is served first, 10 last.';
comment on column queue.job_types.max_attempts is 'Default budget of attempts that may end in an error the job raised.';
comment on column queue.job_types.max_crashes is 'Budget of attempts whose worker vanished; apart from max_attempts.';
comment on column queue.job_types.lease is 'How long a claim holds without a heartbeat. Not the length of the work.';
comment on column queue.job_types.time_limit is 'Longest an attempt may run; the worker ends it.';
comment on column queue.job_types.stall_limit is 'Longest an attempt may run without progress; null: no limit.';
comment on column queue.job_types.weight is 'How many of a worker''s slots one job takes. Fixed for a job when it is enqueued.';
comment on column queue.job_types.needs is 'Capabilities that a worker must offer, such as av1. Fixed for a job when it is enqueued.';
comment on column queue.job_types.batch is 'How many jobs a worker takes at once for one slot. 1 for real work; 10 to 200 for work of milliseconds, which then waits in the worker until a slot takes it.';
comment on column queue.job_types.limits is 'Named limits that every job of the type is under, such as youtube (see queue.limits). Fixed for a job when it is enqueued.';
comment on column queue.job_types.created_at is 'When the row was made.';
comment on column queue.job_types.updated_at is 'When the row last changed.';
comment on column queue.job_types.options_schema is $$
What job_data may hold: this part of JSON Schema (draft 2020-12), and no other keyword is taken. Null: anything. Every writer of a job is
checked by it at enqueue (queue.find_option_mistake), and the worker by the handler's own arguments, of which it is made.

  type                      object, array, string, integer (1.0 is one), number, boolean, null; or a list of these
  enum, const               the values allowed; 1 and 1.0 are the same
  minimum, maximum          of a number, both allowed; exclusiveMinimum, exclusiveMaximum: not allowed themselves
  multipleOf                of a number: exact, in decimal
  minLength, maxLength      of a text, in characters
  pattern                   a regular expression somewhere in a text: ^ and $ tie it to the ends. Read by Postgres, within what ECMAScript
                            reads alike, but that . is any character: ( ) (?: ) [ ] | * + ? { } ^ $ and \ before punctuation
  format                    of a text: uuid, date-time (RFC 3339), uri (absolute; which schemes: say it by pattern)
  items                     what each item of a list is; minItems, maxItems, uniqueItems
  properties, required      of an object; additionalProperties: false, true, or a schema for all others
  anyOf                     at least one of several schemas fits
  title, description, default, examples   for people; not checked. A title of a pattern says it in words when a text does not fit

Anywhere but at the top, where type, properties, required, additionalProperties and what is for people stand.
$$;
comment on column queue.job_types.declared is $$
What queue.sync_job_type last found declared, by column, and the retry policies. A column that differs from it was changed by hand, and
stays so. Null: no program has declared the type; the schema brings it, or somebody wrote the row.
$$;
comment on column queue.job_types.requires is 'What a job of it must be about, else it is refused at enqueue: video, asset (that of its video will do). Null: nothing.';
comment on column queue.job_types.options_path is 'options_schema as a condition that is asked first, at enqueue (queue.options_path); kept by a trigger.';
comment on column queue.job_types.tells_failure is 'Whether a job of it that fails for good emits the event job.failed. False for what delivers events, since those would breed others. [internal]';
comment on column queue.job_types.is_internal is 'Whether functions of reelq and operators alone enqueue jobs of it: nobody who acts for a tenant. [internal]';

create trigger touch_updated_at before update on queue.job_types
for each row execute function base.tg_touch_updated_at();
