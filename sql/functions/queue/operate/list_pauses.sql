create or replace function queue.list_pauses()
returns table (scope text, key text, name text, reason text, paused_by text, since timestamptz, parked integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        p.scope, p.key,
        coalesce(
            t.slug, (select v.title from media.videos as v where v.asset_id = case p.scope when 'input' then p.key::uuid end limit 1), p.key
        ),
        p.reason, p.paused_by, p.created_at,
        (
            select count(*)::integer
            from (select from queue.parked as k where k.gate = 'pause:' || p.scope || ':' || p.key limit 10000) as capped
        )
    from queue.pauses as p
    left join identity.tenants as t on p.scope in ('tenant', 'suspended') and t.id::text = p.key
    order by p.created_at, p.scope, p.key;
$$;

comment on function queue.list_pauses() is $$
What is paused, by whom, why and since when; name is the tenant's slug or title of the input's video, and parked how many jobs have been
met and put aside so far (counting stops at 10,000).
$$;
