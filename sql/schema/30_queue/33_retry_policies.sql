create table queue.retry_policies (
    job_type text not null default '*',
    error_class text not null,
    code text not null default '*',
    action text not null,
    base interval not null default '10 seconds',
    factor numeric(6, 3) not null default 2,
    cap interval not null default '15 minutes',
    jitter text not null default 'full',
    charges boolean not null default true,
    created_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    charges_after interval,
    constraint retry_policies_pkey primary key (job_type, error_class, code),
    constraint error_class_is_known check (error_class in ('transient', 'rate_limited', 'permanent', 'worker_lost')),
    constraint action_is_known check (action in ('retry', 'fail')),
    constraint jitter_is_known check (jitter in ('full', 'none')),
    constraint base_is_positive check (base > interval '0'),
    constraint factor_is_one_or_more check (factor >= 1),
    constraint cap_is_not_below_base check (cap >= base),
    constraint cap_is_at_most_1_year check (cap <= interval '1 year'),
    constraint charges_after_is_above_zero_and_at_most_1_year check (charges_after > interval '0' and charges_after <= interval '1 year')
);

comment on table queue.retry_policies is $$
What follows an error, by job type, class and code; a row of the type wins over one of '*', then one of the code.
Wait before the next attempt: random(0..1) * least(cap, base * factor^(n-1)), n counting what is charged, or all
attempts where nothing is charged; a retry_after of the platform wins over it.
$$;
comment on column queue.retry_policies.job_type is 'A job type, or * for all that have no row of their own.';
comment on column queue.retry_policies.error_class is 'Class of the error.';
comment on column queue.retry_policies.code is 'Code of the error, such as store_away, or * for all that have no row of their own.';
comment on column queue.retry_policies.action is 'retry while the budget lasts, or fail at once.';
comment on column queue.retry_policies.base is 'Longest first wait.';
comment on column queue.retry_policies.factor is 'Growth of the wait with every attempt.';
comment on column queue.retry_policies.cap is 'Longest wait of all.';
comment on column queue.retry_policies.jitter is 'full: a random part of the wait; none: the whole wait.';
comment on column queue.retry_policies.charges is 'Whether the attempt counts against max_attempts (worker_lost counts against max_crashes).';
comment on column queue.retry_policies.created_at is 'When the row was made.';
comment on column queue.retry_policies.updated_at is 'When the row last changed.';

comment on column queue.retry_policies.charges_after is 'With charges false: attempts count all the same once a job has met nothing but this code for so long; null: never.';

create trigger touch_updated_at before update on queue.retry_policies
for each row execute function base.tg_touch_updated_at();
