create or replace function queue.purge_videos(p_limit integer default 100)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_before timestamptz := base.clock() - queue.setting('keep_deleted_videos')::interval;
    v_ids uuid[];
    v_tenant record;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 100: small transactions, called again and again.';
    end if;
    v_ids := array(
        select v.id from media.videos as v where v.deleted_at < v_before order by v.deleted_at, v.id limit p_limit
        for update skip locked
    );
    for v_tenant in select v.tenant_id as id, count(*) as videos from media.videos as v where v.id = any(v_ids) group by v.tenant_id loop
        perform base.record_act(
            'video.purged', 'video', null, p_tenant_id => v_tenant.id,
            p_facts => jsonb_build_object('videos', v_tenant.videos, 'system', 'retention', 'deleted_before', v_before)
        );
    end loop;
    delete from media.videos as v where v.id = any(v_ids);
    return cardinality(v_ids);
end;
$$;

comment on function queue.purge_videos(integer) is $$
Delete for good, with their jobs and history, videos that were soft-deleted longer ago than the setting keep_deleted_videos. Their files stay
until their own retention ends (ops.expire_assets). Returns how many went: call it until it returns 0. Passes by what somebody holds.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 1000
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
