-- transaction: none
-- back: drop index concurrently queue.processing_jobs_by_user
drop index concurrently if exists queue.processing_jobs_by_user;

create index concurrently processing_jobs_by_user on queue.processing_jobs (user_id, id) where user_id is not null;
