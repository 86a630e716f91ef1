create type queue.claimed_job as (
    verdict text,
    job_id uuid,
    token integer,
    job_type text,
    tenant_id uuid,
    user_id uuid,
    video_id uuid,
    asset_id uuid,
    job_data jsonb,
    priority smallint,
    attempts integer,
    max_attempts integer,
    lease interval,
    time_limit interval,
    stall_limit interval,
    weight integer,
    pipeline_run uuid,
    pipeline_step text,
    scheduled_for timestamptz,
    created_at timestamptz,
    ready_at timestamptz,
    lane integer,
    fair_key double precision,
    seq bigint,
    batch integer
);

comment on type queue.claimed_job is $$
What a worker gets for a claim. verdict is 'claimed', or 'lost' for a settlement of queue.settle_and_claim
that came too late (then only job_id and token are set). token is the fencing token that every
later write of this attempt must bear. (lane, fair_key, seq) is the place the job was taken from:
the greatest of a lane is the lower bound that the worker passes to its next claim. The job takes
weight / batch of the worker's slots.
$$;
