-- back: alter table queue.job_types drop column tells_failure, drop column is_internal
alter table queue.job_types add column tells_failure boolean not null default true;
alter table queue.job_types add column is_internal boolean not null default false;
comment on column queue.job_types.tells_failure is 'Whether a job of it that fails for good emits the event job.failed. False for what delivers events, since those would breed others. [internal]';
comment on column queue.job_types.is_internal is 'Whether functions of reelq and operators alone enqueue jobs of it: nobody who acts for a tenant. [internal]';
