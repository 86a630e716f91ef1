create or replace function queue.tg_route_new_jobs()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_hashjoin = on
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_now timestamptz := base.clock();
    v_waiting uuid[];
    v_free uuid[];
    v_lanes integer[];
    v_tenants uuid[];
    v_tenant uuid;
    v_unknown text;
    v_without text;
    v_is_checked boolean;
    v_no text[];
    v_children uuid[];
    v_count bigint;
    v_dependent bigint;
    v_later bigint;
    v_job record;
    v_type record;
    v_urgent boolean := true;  -- a tenant might not be allowed such a priority
begin
    if current_setting('transaction_isolation') <> 'read committed' then  -- the call costs as much as an index look-up
        v_no := base.isolation_refusal();
        if v_no is not null then
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end if;
    end if;
    -- A user's rows are asked by queue.tg_fill_job; those of a key alone need not come by there.
    if current_setting('reelq.api_key_id', true) <> '' then
        perform identity.check_may_write();  -- mutant: a key without write enqueues
    end if;
    -- One look at the new rows says what there is to ask. Most statements bring jobs that wait for nothing, and many one job.
    select count(*), count(j.depends_on), count(*) filter (where j.scheduled_for > v_now) into v_count, v_dependent, v_later from new_jobs as j;
    if v_count = 1 then
        select j.id, j.job_type, j.tenant_id, j.video_id, j.asset_id, j.job_data, j.priority, j.weight, j.needs, j.limits into v_job from new_jobs as j;
        select t.priority, t.requires, t.options_schema into v_type from queue.job_types as t
        where t.job_type = v_job.job_type and t.limits <@ v_job.limits;
        if not found then
            v_unknown := v_job.job_type;
        elsif (v_type.requires = 'video' and v_job.video_id is null) or (v_type.requires = 'asset' and v_job.asset_id is null) then
            v_without := v_job.job_type;
        end if;
        v_is_checked := v_type.options_schema is not null and (v_job.job_data <> '{}' or v_type.options_schema -> 'required' <> '[]');
        -- What the type's own priority is, or comes after it, anybody may choose: see queue.first_priority.
        v_urgent := v_job.priority < v_type.priority;
        v_tenants := array[v_job.tenant_id];
    elsif v_count > 1 then
        select
            min(j.job_type) filter (
                where t.job_type is null or (t.limits <> '{}' and exists (select from new_jobs as n where n.job_type = j.job_type and not n.limits @> t.limits))
            ),
            min(j.job_type) filter (where (t.requires = 'video' and j.has_no_video) or (t.requires = 'asset' and j.has_no_asset)),
            bool_or(t.options_schema is not null and (j.has_options or t.options_schema -> 'required' <> '[]'))
        into v_unknown, v_without, v_is_checked
        from (
            select
                n.job_type, bool_or(n.video_id is null) as has_no_video, bool_or(n.asset_id is null) as has_no_asset,
                bool_or(n.job_data <> '{}') as has_options
            from new_jobs as n
            group by n.job_type
        ) as j
        left join queue.job_types as t on t.job_type = j.job_type;
        v_tenants := array(select distinct j.tenant_id from new_jobs as j);
    else
        return null;
    end if;
    if v_unknown is not null then
        raise exception 'job type must be known, and its jobs under the limits of the type, not %', quote_literal(v_unknown)
            using errcode = 'RQ003', hint = 'Leave limits out. Known types: ' || (select string_agg(t.job_type, ', ' order by t.job_type) from queue.job_types as t);
    end if;
    if current_setting('server_encoding') = 'SQL_ASCII' and exists (
        select from new_jobs as j
        where not base.is_utf8(concat(j.job_data, j.pipeline_step, j.idempotency_key, j.limits))  -- mutant: bytes that no worker reads
    ) then
        raise exception 'job_data must be UTF-8 text, not other bytes'
            using errcode = 'RQ008', hint = 'This server takes any bytes (SQL_ASCII): set client_encoding = ''UTF8'' and send text in it.';
    end if;
    if v_without is not null then  -- mutant: a job without its video
        if v_count = 1 then
            v_no := queue.requires_refusal(v_without);
        else  -- only now, for the row that is to be named
            select queue.requires_refusal(j.job_type, 'row ' || j.n || ': ') into v_no
            from (select n.job_type, n.video_id, n.asset_id, row_number() over () as n from new_jobs as n) as j
            inner join queue.job_types as t on t.job_type = j.job_type
            where (t.requires = 'video' and j.video_id is null) or (t.requires = 'asset' and j.asset_id is null)
            order by j.n limit 1;  -- mutant: another row is named
        end if;
    elsif v_is_checked then
        -- In the order in which they were written. Most statements bring no options, or of types that take any.
        select r.no into v_no
        from (select n.job_type, n.job_data, row_number() over () as n from new_jobs as n) as j
        inner join queue.job_types as t on t.job_type = j.job_type
        cross join lateral queue.options_refusal(
            t.job_type, t.options_schema, j.job_data, p_where => case when v_count > 1 then 'row ' || j.n || ': ' end
        ) as r (no)
        where t.options_schema is not null and (j.job_data @@ t.options_path) is not true and r.no is not null
        limit 1;
    end if;
    if v_no is not null then
        raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
    end if;
    foreach v_tenant in array v_tenants loop
        if not base.may_act_for(v_tenant) then
            raise exception 'tenant must be your own, not %', coalesce(v_tenant::text, 'null')
                using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
        elsif v_tenant is not null then
            v_no := queue.tenant_refusal(v_tenant);
            if v_no is not null then
                raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
            end if;
        end if;
    end loop;
    if v_urgent and current_setting('reelq.tenant_id', true) <> '' then
        select r.no into v_no
        from (select distinct n.job_type, n.priority from new_jobs as n) as j
        cross join lateral queue.priority_refusal(j.job_type, j.priority) as r (no)
        where r.no is not null limit 1;
        if found then
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end if;
    end if;
    if v_dependent > 0 then
        v_children := array(select j.id from new_jobs as j where j.depends_on is not null order by j.id);
        v_waiting := queue.link_parents(v_children);
    end if;

    if v_later > 0 then
        insert into queue.scheduled (due, job_id, job_type)
        select j.scheduled_for, j.id, j.job_type
        from new_jobs as j
        where j.scheduled_for > v_now and not exists (select from unnest(v_waiting) as w (id) where w.id = j.id);
    end if;
    if v_later > 0 or v_waiting is not null then
        -- A lane refers to its type: from here on the type cannot be deleted or renamed under its jobs, wherever they wait.
        perform queue.find_or_create_lane(k.job_type, k.priority, k.weight, k.needs)
        from (
            select distinct j.job_type, j.priority, j.weight, j.needs from new_jobs as j
            where j.depends_on is not null or j.scheduled_for > v_now
            order by 1, 2, 3, 4
        ) as k;
    end if;
    if v_later = v_count then
        return null;
    end if;

    if queue.has_gates() then
        v_free := array(
            select j.id from new_jobs as j
            where j.scheduled_for <= v_now and not exists (select from unnest(v_waiting) as w (id) where w.id = j.id)
            order by j.id
        );
        if v_free <> '{}' then
            perform queue.admit_or_park(v_free);
        end if;
        return null;
    end if;
    if v_count = 1 then
        if v_waiting is null then
            perform queue.insert_ready(
                array[v_job.id], array[queue.find_or_create_lane(v_job.job_type, v_job.priority, v_job.weight, v_job.needs)], v_tenants
            );
        end if;
        return null;
    end if;
    -- Take lane and tenant from the new rows: queue.admit_jobs would look them up again, job by job.
    with kinds as materialized (
        select k.*, queue.find_or_create_lane(k.job_type, k.priority, k.weight, k.needs) as lane
        from (select distinct j.job_type, j.priority, j.weight, j.needs from new_jobs as j where j.scheduled_for <= v_now order by 1, 2, 3, 4) as k
    )
    select array_agg(s.id), array_agg(s.lane), array_agg(s.tenant_id) into v_free, v_lanes, v_tenants
    from (
        select j.id, kinds.lane, j.tenant_id
        from new_jobs as j
        inner join kinds on kinds.job_type = j.job_type and kinds.priority = j.priority and kinds.weight = j.weight and kinds.needs = j.needs
        where j.scheduled_for <= v_now and not exists (select from unnest(v_waiting) as w (id) where w.id = j.id)
        order by j.id
    ) as s;
    if v_free is not null then
        perform queue.insert_ready(v_free, v_lanes, v_tenants);
    end if;
    return null;
end;
$$;

comment on function queue.tg_route_new_jobs() is $$
Trigger after insert on queue.processing_jobs, once a statement: puts each new job where it can be
found: blocked while a parent is unfinished, scheduled while its time has not come, else ready or parked.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ003  no such job type, or a job that was filled by hand without the limits of its type
  RQ004  a tenant for which the caller may not act
  RQ005  unknown parent
  RQ006  the jobs of this statement wait for one another in a circle
  RQ008  a priority that a tenant may not choose, options that the type does not take, no video or asset where it needs one
  RQ012  the tenant is not active
$$;

create or replace trigger route_new_jobs
after insert on queue.processing_jobs
referencing new table as new_jobs
for each statement execute function queue.tg_route_new_jobs();
