create or replace function identity.set_tenant(p_tenant text, p_facts jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_tenant(p_tenant);
    v_known constant text[] := '{name,tier,job_weight,s3_bucket,s3_region}';
    v_key text;
    v_constraint text;
    v_old identity.tenants%rowtype;
    v_new identity.tenants%rowtype;
begin
    perform base.check_operator();
    if p_facts is null or jsonb_typeof(p_facts) <> 'object' then
        raise exception 'facts must be a JSON object, not %', coalesce(jsonb_typeof(p_facts), 'null')
            using errcode = 'RQ008', hint = 'Such as {"tier": "premium"}; what is left out stays as it is.';
    end if;
    for v_key in select k.key from jsonb_object_keys(p_facts) as k (key) where k.key <> all(v_known) order by k.key loop
        raise exception 'a tenant has no % that could be set', quote_literal(left(v_key, 80))
            using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ') || '; its status: identity.set_tenant_status.';
    end loop;
    for v_key in select f.key from jsonb_each(p_facts) as f where f.key <> 'job_weight' and jsonb_typeof(f.value) not in ('string', 'null') order by f.key loop
        raise exception '% must be a text, not %', v_key, left((p_facts -> v_key)::text, 80) using errcode = 'RQ008', hint = 'In quotes.';
    end loop;
    if p_facts ? 'job_weight' and (jsonb_typeof(p_facts -> 'job_weight') <> 'number' or (p_facts ->> 'job_weight')::numeric not between 0.01 and 9999.99) then
        raise exception 'job_weight must be a number from 0.01 to 9999.99, not %', left((p_facts -> 'job_weight')::text, 80)
            using errcode = 'RQ008', hint = 'A tenant of 2 gets twice the turns of a tenant of 1.';
    end if;
    if p_facts ->> 'name' ~ '[[:cntrl:]]' then
        raise exception 'name must be one line of text without control characters, not %', left((p_facts -> 'name')::text, 80)
            using errcode = 'RQ008', hint = 'It is shown on terminals and pages.';
    end if;
    if p_facts ->> 's3_bucket' !~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' or p_facts ->> 's3_bucket' like '%..%' then
        raise exception 's3_bucket must be 3 to 63 of a-z, 0-9, dots and hyphens (neither at its ends, no two dots together), not %',
            left((p_facts -> 's3_bucket')::text, 80)
            using errcode = 'RQ008', hint = 'These are the rules of S3, such as acme-media.';
    end if;

    select * into v_old from identity.tenants as t where t.id = v_tenant for no key update;
    v_new := jsonb_populate_record(v_old, p_facts);
    update identity.tenants as t
    set name = v_new.name, tier = v_new.tier, job_weight = v_new.job_weight, s3_bucket = v_new.s3_bucket, s3_region = v_new.s3_region
    where t.id = v_tenant and v_new is distinct from v_old;
exception
    when check_violation or not_null_violation or unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'name, tier, bucket and region must fit: %', coalesce(nullif(replace(v_constraint, '_', ' '), ''), sqlerrm)
            using errcode = 'RQ008', hint = 'A tier is standard, premium or enterprise; bucket and region go together, and a bucket is one tenant''s.';
end;
$$;

comment on function identity.set_tenant(text, jsonb) is $$
Change what operators decide about a tenant. What is left out stays as it is. For operators.
  select identity.set_tenant('acme', '{"s3_bucket": "acme-media", "s3_region": "eu-central-1"}');

Arguments
  p_tenant  slug or id; null: "default"
  p_facts   name, tier (what it has without a subscription), job_weight (share of the workers), s3_bucket and s3_region (both, or both null)

Raises
  42501  the caller acts for a tenant
  RQ004  no such tenant
  RQ008  an unknown key, or a value that cannot be
$$;
