create or replace function ops.drop_faulty_variants(p_limit integer default 500)
returns table (video_id uuid, asset_id uuid, profile text, key text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
    perform base.check_operator();
    perform base.check_read_committed();
    return query
    with gone as (
        delete from media.variants as r
        using (select o.id, o.key from media.objects as o where o.fault is not null order by o.id) as o
        where r.object_id = o.id and r.id = any(array(
            select v.id from media.variants as v inner join media.objects as f on f.id = v.object_id
            where f.fault is not null order by v.id limit p_limit
            for update of v skip locked
        ))
        returning r.asset_id, r.profile, o.key
    )
    select (select v.id from media.videos as v where v.asset_id = g.asset_id and v.deleted_at is null order by v.id limit 1), g.asset_id, g.profile, g.key
    from gone as g;
end;
$$;

comment on function ops.drop_faulty_variants(integer) is $$
Delete the rows of variants whose object is missing or altered, so that nobody is sent there; queue.rerun_video makes them anew. Call it until it returns no row.

Returns
  video_id  a live video of the file; null: none

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
