-- The columns are those of queue.job_attempts, in their order; see queue.job_history.
create table queue.attempt_history (
    like queue.job_attempts including comments,
    constraint attempt_history_pkey primary key (job_id, attempt, ended_at)
) partition by range (ended_at);

create index attempt_history_by_end on queue.attempt_history using brin (ended_at) with (pages_per_range = 16);

comment on table queue.attempt_history is $$
Attempts of archived jobs, moved with them; one partition a month of ended_at. queue.job_attempts itself is not partitioned:
its key (job_id, attempt) is the second fence, and a job that ends never touches a partition, so nobody's
forgotten timer can make it fail. queue.all_attempts shows both tables as one.
$$;
