create table queue.job_stats (
    hour timestamptz not null,
    job_type text not null,
    outcome text not null,
    jobs bigint not null default 0,
    seconds double precision not null default 0,
    cpu_seconds double precision not null default 0,
    max_seconds double precision not null default 0,
    constraint job_stats_pkey primary key (hour, job_type, outcome)
);

comment on table queue.job_stats is 'Attempts by hour, type and outcome: what screens and reports read instead of counting. queue.roll_up_stats fills it, queue.stats adds the hours that are not in it yet.';
comment on column queue.job_stats.hour is 'Start of the hour.';
comment on column queue.job_stats.job_type is 'Type of the jobs.';
comment on column queue.job_stats.outcome is 'As in queue.job_attempts.';
comment on column queue.job_stats.jobs is 'Attempts that ended so.';
comment on column queue.job_stats.seconds is 'Their time together, in seconds.';
comment on column queue.job_stats.cpu_seconds is 'CPU time of their children, in seconds.';
comment on column queue.job_stats.max_seconds is 'The longest of them, in seconds.';
