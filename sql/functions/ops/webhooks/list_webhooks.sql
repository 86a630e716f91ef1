create or replace function ops.list_webhooks(p_tenant text default null, p_webhook_id uuid default null, p_limit integer default 100, p_after uuid default null)
returns table (
    id uuid, tenant text, url text, events text[], description text, state text, reason text, max_running integer, failures integer,
    failing_since timestamptz, last_error text, last_failed_at timestamptz, last_success_at timestamptz, old_secret_ends_at timestamptz,
    created_by text, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_tenant uuid := case when p_tenant is not null or base.current_tenant() is not null then identity.named_tenant(p_tenant) end;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'The next ones: p_after, the id of the last.';
    end if;
    if v_tenant is null then
        perform base.check_operator();
    elsif not identity.may_see(v_tenant, null) then  -- mutant: a member lists endpoints
        return;
    end if;
    return query
    select
        w.id, t.slug, w.url, w.events, w.description,
        case when w.status = 'active' and w.failing_since is not null then 'failing' else w.status end,
        coalesce(w.status_reason, (select p.reason from queue.pauses as p where p.scope = 'channel' and p.key = w.id::text)),
        w.max_running, w.failures, w.failing_since, w.last_error, w.last_failed_at, w.last_success_at,
        (select max(s.ends_at) from ops.webhook_secrets as s where s.webhook_id = w.id and s.ends_at > base.clock()),
        w.created_by, w.created_at
    from ops.webhooks as w
    left join identity.tenants as t on t.id = w.tenant_id
    where
        (v_tenant is null or w.tenant_id = v_tenant) and (p_webhook_id is null or w.id = p_webhook_id)
        and (p_after is null or w.id < p_after)
    order by w.id desc
    limit p_limit;
end;
$$;

comment on function ops.list_webhooks(text, uuid, integer, uuid) is $$
Endpoints, newest first. Secrets are shown to nobody.

Arguments
  p_tenant      slug or id; null: the tenant of reelq.tenant_id, else, for operators, all
  p_webhook_id  only this one
  p_limit       so many at most, 1 to 1000
  p_after       go on below this id

Returns
  state   active; failing: what waits is held until it answers again; disabled
  reason  why it is disabled or held
  old_secret_ends_at  until then two secrets sign; null: one does

Raises
  42501  all tenants are meant, and the caller is no operator
  RQ004  no such tenant, or not the caller's
  RQ008  a limit that cannot be
$$;
