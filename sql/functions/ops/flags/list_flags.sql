create or replace function ops.list_flags()
returns table (
    name text, description text, enabled boolean, rollout_percentage numeric, rollout_by text, user_rules jsonb, tenant_rules jsonb, segment_rules jsonb,
    updated_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select f.name, f.description, f.enabled, f.rollout_percentage, f.rollout_by, f.user_rules, f.tenant_rules, f.segment_rules, f.updated_at
    from ops.feature_flags as f, base.check_operator()
    order by f.name;
$$;

comment on function ops.list_flags() is $$
All flags with their rules, by name. For operators.

Raises
  42501  the caller acts for a tenant
$$;
