create or replace function ops.decide_flag(
    p_flag text, p_tenant_id uuid, p_user_id uuid, out is_on boolean, out reason text, out about text, out bucket integer
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_flag ops.feature_flags;
    v_subject uuid;
    v_facts jsonb;
    v_rule jsonb;
    v_number integer := 0;
    v_share numeric;
begin
    is_on := false;
    select f.* into v_flag from ops.feature_flags as f where f.name = p_flag;
    if not found then
        reason := 'unknown';
        about := 'There is no such flag, which is off for everybody.';
        return;
    end if;
    if not v_flag.enabled then
        reason := 'off';
        about := 'It is off for everybody, whatever its rules say.';
        return;
    end if;
    v_subject := case when v_flag.rollout_by = 'user' then coalesce(p_user_id, p_tenant_id) else p_tenant_id end;
    bucket := base.flag_bucket(v_flag.name, v_subject);

    -- The nearest goes first: this very user, then the tenant, then whom a segment is about, then the dice.
    for v_rule in
        select case when jsonb_typeof(r.value) = 'string' then jsonb_build_object('id', r.value) else r.value end
        from jsonb_array_elements(v_flag.user_rules) as r
    loop
        if v_rule ->> 'id' = p_user_id::text then
            is_on := coalesce((v_rule ->> 'on')::boolean, true);
            reason := 'user';
            about := format('A rule names the user: %s.', case when is_on then 'on' else 'off' end);
            return;
        end if;
    end loop;
    for v_rule in
        select case when jsonb_typeof(r.value) = 'string' then jsonb_build_object('id', r.value) else r.value end
        from jsonb_array_elements(v_flag.tenant_rules) as r
    loop
        if v_rule ->> 'id' = p_tenant_id::text then
            is_on := coalesce((v_rule ->> 'on')::boolean, true);
            reason := 'tenant';
            about := format('A rule names the tenant: %s.', case when is_on then 'on' else 'off' end);
            return;
        end if;
    end loop;
    if v_flag.segment_rules <> '[]' then
        v_facts := jsonb_strip_nulls(jsonb_build_object(
            'tier', (
                select coalesce(s.plan, t.tier) from identity.tenants as t left join identity.live_subscription(t.id, null) as s on true where t.id = p_tenant_id
            ),
            'plan', (select coalesce(s.plan, 'free') from (select) as one left join identity.live_subscription(p_tenant_id, p_user_id) as s on true where p_user_id is not null),
            'role', (select u.role from identity.users as u where u.id = p_user_id and u.tenant_id = p_tenant_id and u.deleted_at is null),
            'language', (select u.language from identity.users as u where u.id = p_user_id and u.tenant_id = p_tenant_id and u.deleted_at is null)
        ));
        for v_rule in select r.value from jsonb_array_elements(v_flag.segment_rules) with ordinality as r (value, n) order by r.n loop
            v_number := v_number + 1;
            -- Every fact that the rule names must be among its words.
            continue when exists (
                select from jsonb_each(v_rule - 'on' - 'percentage') as c where not coalesce(c.value ? (v_facts ->> c.key), false)  -- mutant: a segment is everybody
            );
            v_share := coalesce((v_rule ->> 'percentage')::numeric, 100);
            is_on := coalesce((v_rule ->> 'on')::boolean, true) and coalesce(bucket < v_share * 100, v_share = 100);
            reason := 'segment';
            about := format(
                'Segment rule %s fits (%s), for %s %%; bucket %s of 10,000: %s.',
                v_number, v_facts, trim_scale(v_share), coalesce(bucket::text, 'none'), case when is_on then 'on' else 'off' end
            );
            return;
        end loop;
    end if;
    is_on := coalesce(bucket < v_flag.rollout_percentage * 100, v_flag.rollout_percentage = 100);  -- mutant: a rollout is everybody
    reason := 'percentage';
    about := format(
        'No rule fits; it is on for %s %% of the %ss, and this one''s bucket is %s of 10,000: %s.',
        trim_scale(v_flag.rollout_percentage), v_flag.rollout_by, coalesce(bucket::text, 'none'), case when is_on then 'on' else 'off' end
    );
end;
$$;

comment on function ops.decide_flag(text, uuid, uuid) is $$
The decision of ops.is_flag_on with its reason, for whoever is allowed to know: the callers ask.

Returns
  reason  unknown, off, user, tenant, segment or percentage: what decided
  about   the same as a sentence
  bucket  where the subject stands, 0 to 9999 (base.flag_bucket); null: nobody is named
$$;
