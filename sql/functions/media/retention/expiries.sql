create or replace function media.expiries(p_asset_ids uuid[])
returns table (asset_id uuid, expires_at timestamptz)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return query
    select
        a.id,
        case
            when exists (select from media.videos as v where v.asset_id = a.id) then null  -- mutant: a file goes under its video
            when media.in_live_bundle(a.id) then null
            when a.retention_class = 'ai_generated' and a.ai_provenance -> 'authored' = 'true' then null  -- mutant: what somebody has authored goes
            else greatest(
                a.retention_until,
                coalesce(
                    case when a.retention_class = 'bundle' then (
                        select max(least(b.ended_at, b.ends_at)) from media.bundle_members as m
                        inner join media.bundles as b on b.id = m.bundle_id
                        where m.asset_id = a.id
                    ) end,
                    greatest(a.last_used_at, o.last_used_at) + make_interval(days => coalesce(c.retention_days, 90))
                )
            )
        end
    from media.assets as a
    left join media.objects as o on o.id = a.object_id
    left join identity.tenant_configs as c on c.tenant_id = a.tenant_id
    where a.id = any(p_asset_ids);
end;
$$;

comment on function media.expiries(uuid[]) is $$
From when on files may go by retention; null: not while things are as they are. The one place that knows the rules:

  any class     not while a video is about the file, be it soft-deleted; not while it is in a live bundle; not before retention_until
  operational   the tenant's retention_days after its last use
  bundle        with the end of the last bundle that it was in; one that never was in any: as operational
  ai_generated  as operational, and never when its ai_provenance says {"authored": true}
$$;
