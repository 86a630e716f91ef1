create or replace function queue.repair_fault(p_job_id uuid, p_fault text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_job queue.processing_jobs;
    v_parents uuid[];
    v_limits text[];
    v_gate text;
begin
    select * into v_job from queue.processing_jobs as j where j.id = p_job_id;
    case p_fault
        when 'misplaced ready row' then
            delete from queue.ready as r where r.job_id = p_job_id returning r.limits into v_limits;
            perform queue.release_permits(v_limits);
        when 'misplaced scheduled row' then
            delete from queue.scheduled as s where s.due = v_job.scheduled_for and s.job_id = p_job_id;
        when 'misplaced blocked row' then
            delete from queue.blocked as b where b.job_id = p_job_id;
        when 'misplaced parked row' then
            delete from queue.parked as p where p.job_id = p_job_id;
        when 'orphaned lease' then
            delete from queue.leases as l where l.job_id = p_job_id returning l.limits into v_limits;
            perform queue.release_permits(v_limits);
        when 'orphaned dead letter' then
            delete from queue.dead_letters as d where d.job_id = p_job_id;
        when 'queued in no place' then
            insert into queue.blocked (job_id, pending, job_type)
            select p_job_id, count(*), v_job.job_type
            from queue.job_dependencies as e where e.job_id = p_job_id and not e.satisfied
            having count(*) > 0;
            if not found then
                perform queue.schedule_or_admit(array[p_job_id]);
            end if;
        when 'in the wrong lane' then
            delete from queue.ready as r where r.job_id = p_job_id returning r.limits into v_limits;
            perform queue.admit_jobs(array[p_job_id], v_limits);
        when 'parked for another turn' then
            delete from queue.parked as p where p.job_id = p_job_id returning p.gate into v_gate;
            perform queue.park_jobs(array[p_job_id], array[v_gate]);
        when 'missing edge' then
            insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied)
            select parent.id, p_job_id, v_job.on_parent_failure, parent.status = 'completed'
            from queue.processing_jobs as parent
            where parent.id = any(v_job.depends_on)
            on conflict do nothing;
        when 'edge closed too soon' then
            update queue.job_dependencies as e set satisfied = false
            from queue.processing_jobs as parent
            where
                e.job_id = p_job_id and e.satisfied and e.on_failure <> 'run'
                and parent.id = e.parent_id and parent.status in ('queued', 'running');
        when 'edge left open' then
            update queue.job_dependencies as e set satisfied = true
            from queue.processing_jobs as parent
            where
                e.job_id = p_job_id and not e.satisfied and parent.id = e.parent_id
                and (parent.status = 'completed' or (parent.status in ('failed', 'cancelled') and e.on_failure = 'run'));
            -- The edges that are still open have a parent that failed or is gone.
            v_parents := array(
                select e.parent_id from queue.job_dependencies as e
                left join queue.processing_jobs as parent on parent.id = e.parent_id
                where e.job_id = p_job_id and not e.satisfied and coalesce(parent.status, 'gone') not in ('queued', 'running')
            );
            if v_parents <> '{}' then
                perform queue.settle_children_of_failed(queue.fail_blocked(array[p_job_id]));
            end if;
            delete from queue.job_dependencies as e
            where
                e.job_id = p_job_id and e.parent_id = any(v_parents)
                and not exists (select from queue.processing_jobs as parent where parent.id = e.parent_id);
        when 'wrong count of parents' then
            delete from queue.blocked as b
            where
                b.job_id = p_job_id
                and not exists (select from queue.job_dependencies as e where e.job_id = p_job_id and not e.satisfied);
            if found then
                perform queue.schedule_or_admit(array[p_job_id]);
            else
                update queue.blocked as b
                set pending = (select count(*) from queue.job_dependencies as e where e.job_id = p_job_id and not e.satisfied)
                where b.job_id = p_job_id;
            end if;
        when 'running with an open edge' then
            update queue.job_dependencies as e set satisfied = true where e.job_id = p_job_id and not e.satisfied;
        when 'running without a lease' then
            -- If its worker lives, it extends this lease; if not, the lease expires and rescue_expired takes the job back.
            insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at)
            select p_job_id, v_job.token, v_job.worker_id, v_job.job_type, t.lease, v_now + t.lease, v_job.started_at, v_now
            from queue.job_types as t where t.job_type = v_job.job_type;
        when 'lease of another attempt' then
            update queue.leases as l set token = v_job.token, worker_id = v_job.worker_id where l.job_id = p_job_id;
        when 'failed without a dead letter' then
            insert into queue.dead_letters (job_id, job_type, failed_at) values (p_job_id, v_job.job_type, v_job.completed_at);
        when 'edge to a job that is gone' then
            delete from queue.job_dependencies as e
            where
                e.job_id = p_job_id and not e.satisfied
                and not exists (select from queue.processing_jobs as parent where parent.id = e.parent_id);
    end case;
end;
$$;

comment on function queue.repair_fault(uuid, text) is $$
Repair one fault of queue.find_faults; the caller holds the job and its places (queue.lock_for_repair). The record is believed, the
narrow rows follow it.
$$;
