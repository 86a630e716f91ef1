create or replace function queue.find_gates(p_job_ids uuid[], p_with_type boolean default false)
returns table (place integer, job_id uuid, pause text, limits text[])
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_common boolean := exists (select from queue.limits as l where l.limit_key = 'tenant:*');
begin
    return query
    select
        wanted.n::integer,
        j.id,
        (
            select 'pause:' || p.scope || ':' || p.key
            from (
                values
                ('tenant', j.tenant_id::text), ('suspended', j.tenant_id::text), ('channel', j.channel_id::text), ('input', j.asset_id::text),  -- mutant: a pause of a tenant is not heeded
                ('job_type', case when p_with_type then j.job_type end)
            ) as own (scope, key)
            inner join queue.pauses as p on p.scope = own.scope and p.key = own.key
            order by p.scope desc, p.key
            limit 1
        ),
        (
            select array_agg(own.key order by own.key)
            from (
                select 'type:' || j.job_type as key
                union all select 'tenant:' || j.tenant_id
                union all select distinct 'name:' || n from unnest(j.limits) as n
            ) as own
            where
                (v_common and own.key like 'tenant:%')
                or exists (select from queue.limits as l where l.limit_key = own.key)
        )
    from unnest(p_job_ids) with ordinality as wanted (id, n)
    cross join lateral (
        select one.id, one.tenant_id, one.channel_id, one.asset_id, one.job_type, one.limits
        from queue.processing_jobs as one where one.id = wanted.id
        offset 0
    ) as j
    order by wanted.n;
end;
$$;

comment on function queue.find_gates(uuid[], boolean) is $$
The gates that these jobs have to pass, in the order given: a pause of the tenant, channel or input, and the limits that a job is
under, in order (null: none). One statement for all of them, because while any gate is set every job is looked at.

Arguments
  p_with_type  also look for a pause of the job's type; claims do not need it, as they leave out the lanes of a paused type
$$;
