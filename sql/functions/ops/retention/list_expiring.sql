create or replace function ops.list_expiring(p_before timestamptz default null, p_after uuid default null, p_limit integer default 1000)
returns table (asset_id uuid, tenant text, kind text, original_filename text, retention_class text, size_bytes bigint, expires_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_before timestamptz := coalesce(p_before, base.clock());
    v_place uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_seen uuid[];
    v_due uuid[] := '{}';
begin
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Go on with p_after => the last id of the page before.';
    end if;
    loop
        v_seen := array(select a.id from media.assets as a where a.id > v_place order by a.id limit 1000);
        v_due := v_due || array(select e.asset_id from media.expiries(v_seen) as e where e.expires_at <= v_before order by e.asset_id);
        exit when cardinality(v_seen) < 1000 or cardinality(v_due) >= p_limit;
        v_place := v_seen[1000];
    end loop;
    return query
    select a.id, t.slug, a.kind, a.original_filename, a.retention_class, o.size_bytes, e.expires_at
    from media.expiries(v_due) as e
    inner join media.assets as a on a.id = e.asset_id
    left join media.objects as o on o.id = a.object_id
    inner join identity.tenants as t on t.id = a.tenant_id
    order by a.id
    limit p_limit;
end;
$$;

comment on function ops.list_expiring(timestamptz, uuid, integer) is $$
Files that retention removes, by id: what ops.expire_assets would delete.

Arguments
  p_before  those that are due by this time; null: now
  p_after   the last id of the page before

Raises
  42501  the caller acts for a tenant
  RQ008  a limit that is not 1 to 10000
$$;
