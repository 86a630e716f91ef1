-- back: drop index queue.job_history_by_user
-- A partitioned table takes no `concurrently`. While it is built only archiving waits: nobody else writes to the history.
-- squawk-ignore require-concurrent-index-creation
create index job_history_by_user on queue.job_history (user_id, completed_at) where user_id is not null;
