create or replace function ops.expire_assets(p_limit integer default 500)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_now timestamptz := base.clock();
    v_place uuid;
    v_seen uuid[];
    v_due uuid[];
    v_batch integer := 0;
    v_gone integer := 0;
    v_tenant record;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 500: small transactions, called again and again.';
    end if;
    select coalesce(u.place::uuid, '00000000-0000-0000-0000-000000000000') into v_place
    from queue.upkeep as u where u.task = 'retention' for no key update skip locked;
    if not found then
        return 0;
    end if;
    -- Stop after 20 steps of 1,000 files, so that the transaction stays short even when none of them is due.
    for v_step in 1..20 loop
        v_seen := array(select a.id from media.assets as a where a.id > v_place order by a.id limit 1000);
        v_due := array(select e.asset_id from media.expiries(v_seen) as e where e.expires_at <= v_now order by e.asset_id limit p_limit - v_gone);
        -- Where the list was cut the walk goes on behind it, whatever becomes of these.
        v_place := case
            when cardinality(v_due) = p_limit - v_gone then v_due[cardinality(v_due)]
            when cardinality(v_seen) = 1000 then v_seen[1000]
        end;
        -- Locked, and looked at again: a video, a bundle or a job may have come since.
        v_due := array(select a.id from media.assets as a where a.id = any(v_due) order by a.id for update skip locked);
        v_due := array(
            select e.asset_id from media.expiries(v_due) as e
            where e.expires_at <= v_now
                and not exists (select from queue.processing_jobs as j where j.asset_id = e.asset_id and j.status in ('queued', 'running'))
        );
        if v_due <> '{}' then
            for v_tenant in
                select a.tenant_id as id, count(*) as assets, (select array_agg(f order by f) from unnest((array_agg(a.id))[1:100]) as f) as ids
                from media.assets as a where a.id = any(v_due) group by a.tenant_id
            loop
                perform base.record_act(
                    'asset.expired', 'asset', null, p_tenant_id => v_tenant.id,
                    p_facts => jsonb_build_object('assets', v_tenant.assets, 'ids', to_jsonb(v_tenant.ids), 'system', 'retention')
                );
            end loop;
            delete from media.assets as a where a.id = any(v_due);
            get diagnostics v_batch = row_count;
            v_gone := v_gone + v_batch;
        end if;
        exit when v_gone >= p_limit or v_place is null;
    end loop;
    update queue.upkeep as u
    set last_run_at = v_now, place = v_place::text
    where u.task = 'retention';
    return case when v_gone > 0 or v_place is null then v_gone end;
end;
$$;

comment on function ops.expire_assets(integer) is $$
Delete the rows of files whose retention has ended (media.expiries), with their variants and jobs. Their objects go by the sweep, when nothing else refers to them. One small transaction
that waits for nobody; one caller at a time, the others return 0. A file with an unfinished job stays.

Returns how many went. 0: the walk has come to its end. Null: none of the 20,000 files that were looked at, call it again.

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 10000
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
