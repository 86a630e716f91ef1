create or replace function ops.purge_tenants(p_limit integer default 200)
returns table (tenants integer, rows_gone bigint, objects_left bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_before timestamptz := base.clock() - queue.setting('keep_deleted_tenants')::interval;
    v_tenant uuid;
    v_ids uuid[];
    v_count bigint;
    v_reference record;
    v_schema text;
    v_table text;
    v_found boolean;
    v_held text;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 200: small transactions, called again and again.';
    end if;
    tenants := 0;
    rows_gone := 0;
    objects_left := 0;
    for v_tenant in
        select t.id from identity.tenants as t
        where t.status = 'deleted' and t.status_changed_at < v_before and t.slug <> 'default'  -- mutant: a deleted tenant goes at once
        order by t.status_changed_at, t.id
        for update skip locked
    loop
        -- In the order of locks: videos, assets, jobs; those that a worker still has in hand end first.
        perform queue.cancel_job(l.job_id, 'The tenant was deleted.')
        from queue.leases as l inner join queue.processing_jobs as j on j.id = l.job_id
        where j.tenant_id = v_tenant and l.cancel_requested_at is null;
        exit when exists (select from queue.leases as l inner join queue.processing_jobs as j on j.id = l.job_id where j.tenant_id = v_tenant);
        v_ids := array(select v.id from media.videos as v where v.tenant_id = v_tenant order by v.id limit p_limit for update);
        delete from media.videos as v where v.id = any(v_ids);
        rows_gone := cardinality(v_ids);
        exit when rows_gone > 0;
        v_ids := array(select a.id from media.assets as a where a.tenant_id = v_tenant order by a.id limit p_limit for update);
        delete from media.assets as a where a.id = any(v_ids);
        rows_gone := cardinality(v_ids);
        exit when rows_gone > 0;
        v_ids := array(select j.id from queue.processing_jobs as j where j.tenant_id = v_tenant order by j.id limit p_limit for update);
        delete from queue.processing_jobs as j where j.id = any(v_ids);
        rows_gone := cardinality(v_ids);
        exit when rows_gone > 0;
        v_ids := array(select f.id from media.job_files as f where f.tenant_id = v_tenant order by f.id limit p_limit for update);
        delete from media.job_files as f where f.id = any(v_ids);
        rows_gone := cardinality(v_ids);
        exit when rows_gone > 0;
        -- No grace: nothing refers to them, and nobody can any more. The bytes go by the sweep, then these rows, then the tenant.
        v_ids := array(
            select o.id from media.objects as o where o.tenant_id = v_tenant and o.state <> 'deleting' order by o.id limit p_limit for update
        );
        update media.objects as o set state = 'deleting' where o.id = any(array(select u from media.unreferenced_objects(v_ids) as u));
        get diagnostics v_count = row_count;
        rows_gone := v_count;
        exit when rows_gone > 0;
        select count(*) into v_count from (select from media.objects as o where o.tenant_id = v_tenant limit 100000) as waiting;
        objects_left := objects_left + v_count;
        if v_count = 0 then
            begin
                delete from identity.tenants as t where t.id = v_tenant;
                tenants := tenants + 1;
                exit;
            exception
                when foreign_key_violation then  -- mutant: an application's row holds all tenants up
                    get stacked diagnostics v_schema = schema_name, v_table = table_name;
                    v_held := coalesce(v_held, format('tenant %s cannot be removed: %I.%I refers to it', v_tenant, v_schema, v_table));
            end;
            continue;
        end if;
        -- Files, variants and what jobs stored are gone: what is no sweep's is in use by an application.
        for v_reference in select r.relation, r.column_name from media.object_references() as r where r.relation not like 'media.%' loop
            execute format('select exists (select from media.objects as o inner join %s as r on r.%I = o.id where o.tenant_id = $1)', v_reference.relation, v_reference.column_name)
            into v_found using v_tenant;
            if v_found then
                v_held := coalesce(v_held, format('tenant %s cannot be removed: %s refers to objects of it', v_tenant, v_reference.relation));
            end if;
        end loop;
    end loop;
    if v_held is not null and tenants = 0 and rows_gone = 0 then
        raise exception '%', v_held
            using errcode = 'RQ009', hint = 'Delete those rows of the application; a foreign key to identity.tenants may do it by itself: on delete cascade. All other tenants are done.';
    end if;
    return next;
end;
$$;

comment on function ops.purge_tenants(integer) is $$
Remove tenants that were marked deleted longer ago than the setting keep_deleted_tenants: their videos, files and jobs, a few a call; then the bytes of their objects, which
the sweep deletes; then all the rest with the tenant's own row. Call it until tenants and rows_gone are 0. The tenant "default" always stays.

Returns
  tenants       how many are gone altogether
  rows_gone     videos, files, jobs that were deleted and objects that were given to the sweep
  objects_left  objects of such tenants whose bytes the sweep has to delete first (counted to 100,000 each)

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 1000
  RQ009  a table of an application refers to such a tenant or its objects, or references may be missed (media.check_references); told when nothing else is left to do
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
