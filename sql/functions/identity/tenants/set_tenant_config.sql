create or replace function identity.set_tenant_config(p_tenant text, p_config jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_tenant(p_tenant);
    v_known constant text[] := '{personalization_enabled,personalization_weights,content_filters,rate_limit_rps,cache_ttl_seconds,retention_days}';
    v_operators constant text[] := '{rate_limit_rps,retention_days}';
    v_key text;
    v_no text[];
    v_old identity.tenant_configs%rowtype;
    v_new identity.tenant_configs%rowtype;
begin
    perform identity.check_tenant_admin();
    if p_config is null or jsonb_typeof(p_config) <> 'object' then
        raise exception 'config must be a JSON object, not %', coalesce(jsonb_typeof(p_config), 'null')
            using errcode = 'RQ008', hint = 'Such as {"cache_ttl_seconds": 30}; what is left out stays as it is.';
    end if;
    for v_key in select k.key from jsonb_object_keys(p_config) as k (key) order by k.key loop
        if v_key <> all(v_known) then
            raise exception 'a tenant''s configuration has no %', quote_literal(left(v_key, 80))
                using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
        end if;
        if v_key = any(v_operators) and not base.is_trusted() then  -- mutant: a tenant sets its own rate
            raise exception 'only operators may change %', v_key using errcode = 'RQ016', hint = 'Ask them; the tenant''s own are the others.';
        end if;
        v_no := case
            when v_key = 'personalization_enabled' and jsonb_typeof(p_config -> v_key) <> 'boolean'
                then array[format('personalization_enabled must be true or false, not %s', left((p_config -> v_key)::text, 80)), 'false switches it off for all.']
            when v_key = 'personalization_weights'
                then array[base.weights_refusal(p_config -> v_key), 'Such as {"watch_history": 0.5, "engagement": 0.3, "editorial": 0.2}; they replace the earlier ones.']
            when v_key = 'content_filters' then base.content_filters_refusal(p_config -> v_key)
            when v_key = 'rate_limit_rps' then identity.whole_number_refusal(v_key, p_config -> v_key, 1, 1000000)
            when v_key = 'cache_ttl_seconds' then identity.whole_number_refusal(v_key, p_config -> v_key, 0, 86400)
            when v_key = 'retention_days' then identity.whole_number_refusal(v_key, p_config -> v_key, 1, 3650)
        end;
        if v_no[1] is not null then
            raise exception '%', v_no[1] using errcode = 'RQ008', hint = v_no[2];
        end if;
    end loop;

    -- Locked before it is merged: of two that change different keys neither is lost.
    select * into v_old from identity.tenant_configs as c where c.tenant_id = v_tenant for no key update;
    v_new := jsonb_populate_record(v_old, p_config);
    update identity.tenant_configs as c
    set
        personalization_enabled = v_new.personalization_enabled, personalization_weights = v_new.personalization_weights,
        content_filters = v_new.content_filters, rate_limit_rps = v_new.rate_limit_rps, cache_ttl_seconds = v_new.cache_ttl_seconds,
        retention_days = v_new.retention_days
    where c.tenant_id = v_tenant and v_new is distinct from v_old;
end;
$$;

comment on function identity.set_tenant_config(text, jsonb) is $$
Change what a tenant has chosen. What is left out stays as it is; weights and filters replace the earlier ones as a whole.
  select identity.set_tenant_config('acme', '{"content_filters": {"geo_allowed": ["US", "GB"]}}');

Arguments
  p_tenant  slug or id; null: the tenant of reelq.tenant_id, else "default"
  p_config  personalization_enabled (true, false), personalization_weights (numbers from 0 to 1 by name, exactly 1 together), content_filters
            (see base.content_filters_refusal), cache_ttl_seconds (0 to 86400); of operators rate_limit_rps (1 to 1000000) and
            retention_days (1 to 3650)

Raises
  RQ004  no such tenant, or not the caller's
  RQ008  an unknown key, or a value that cannot be
  RQ016  the user is no admin, the key has no scope admin, or it is for operators
$$;
