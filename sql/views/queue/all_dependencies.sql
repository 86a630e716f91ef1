create or replace view queue.all_dependencies
with (security_invoker = true) as
select
    d.parent_id,
    d.job_id,
    d.on_failure,
    d.satisfied,
    d.created_at
from queue.job_dependencies as d
union all
select
    h.parent_id,
    h.job_id,
    h.on_failure,
    h.satisfied,
    h.created_at
from queue.dependency_history as h;

comment on view queue.all_dependencies is $$
Every edge, also of archived jobs: the columns of queue.job_dependencies.
$$;
