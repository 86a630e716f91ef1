-- back: alter type queue.job_filter drop attribute user_id
alter type queue.job_filter add attribute user_id uuid;
