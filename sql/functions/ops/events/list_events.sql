create or replace function ops.list_events(
    p_tenant text default null, p_type text default null, p_key text default null, p_event_id uuid default null,
    p_since timestamptz default null, p_until timestamptz default null, p_limit integer default 100, p_before bigint default null
)
returns table (
    seq bigint, event_id uuid, tenant text, event_type text, ordering_key text, data jsonb, created_at timestamptz, relayed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_tenant uuid := case when p_tenant is not null or base.current_tenant() is not null then identity.named_tenant(p_tenant) end;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The next ones: p_before, the seq of the last.';
    end if;
    if v_tenant is null then
        perform base.check_operator();
    elsif not identity.may_see(v_tenant, null) then  -- mutant: a member reads the tenant's events
        return;
    end if;
    return query
    select e.seq, e.event_id, t.slug, e.event_type, e.ordering_key, e.data, e.created_at, e.relayed_at
    from (
        select o.seq, o.event_id, o.tenant_id, o.event_type, o.ordering_key, o.data, o.created_at, null::timestamptz as relayed_at from ops.outbox as o
        union all
        select k.seq, k.event_id, k.tenant_id, k.event_type, k.ordering_key, k.data, k.created_at, k.relayed_at from ops.events as k
    ) as e
    left join identity.tenants as t on t.id = e.tenant_id
    where
        (v_tenant is null or (
            e.tenant_id = v_tenant
            and (base.is_trusted() or exists (select from ops.event_types as y where y.name = e.event_type and y.audience = 'tenant'))
        ))
        and (p_type is null or p_type = any(ops.filters_of(e.event_type))) and (p_key is null or e.ordering_key = p_key)
        and (p_event_id is null or e.event_id = p_event_id)
        and (p_since is null or e.created_at >= p_since) and (p_until is null or e.created_at < p_until)
        and (p_before is null or e.seq < p_before)
    order by e.seq desc
    limit p_limit;
end;
$$;

comment on function ops.list_events(text, text, text, uuid, timestamptz, timestamptz, integer, bigint) is $$
Events of the last 30 days, newest first, with those that are not relayed yet.

Arguments
  p_tenant    slug or id; null: the tenant of reelq.tenant_id, else, for operators, all
  p_type      a name, or video.* for all that begin so
  p_key       an ordering key
  p_event_id  only this one
  p_since, p_until  when it happened: from, and before
  p_limit     so many at most, 1 to 1000
  p_before    go on below this seq

Raises
  42501  all tenants are meant, and the caller is no operator
  RQ004  no such tenant, or not the caller's
  RQ008  a limit that cannot be
$$;
