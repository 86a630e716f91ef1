create or replace function identity.set_subscription(p_tenant text, p_user_id uuid, p_facts jsonb)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_now timestamptz := base.clock();
    v_tenant uuid := identity.named_owner(p_tenant, p_user_id);
    v_known constant text[]
        := '{plan,status,provider,provider_subscription_id,provider_customer_id,trial_ends_at,current_period_start,current_period_end,monthly_quota}';
    v_key text;
    v_constraint text;
    v_old identity.subscriptions%rowtype;
    v_new identity.subscriptions%rowtype;
    v_is_new boolean := false;
    v_written identity.subscriptions%rowtype;
    v_plans text := case when p_user_id is null then 'standard, premium or enterprise' else 'free, starter, pro, business or enterprise' end;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    if p_facts is null or jsonb_typeof(p_facts) <> 'object' then
        raise exception 'facts must be a JSON object, not %', coalesce(jsonb_typeof(p_facts), 'null')
            using errcode = 'RQ008', hint = 'Such as {"plan": "pro", "monthly_quota": 300}; what is left out stays as it is.';
    end if;
    for v_key in select k.key from jsonb_object_keys(p_facts) as k (key) where k.key <> all(v_known) order by k.key loop
        raise exception 'a subscription has no %', quote_literal(left(v_key, 80))
            using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
    end loop;
    for v_key in select f.key from jsonb_each(p_facts) as f where f.key <> 'monthly_quota' and jsonb_typeof(f.value) not in ('string', 'null') order by f.key loop
        raise exception '% must be a text, not %', v_key, left((p_facts -> v_key)::text, 80)
            using errcode = 'RQ008', hint = 'In quotes; times as "2026-12-31T00:00:00Z".';
    end loop;
    if p_facts ->> 'status' = 'cancelled' then
        raise exception 'status must be active, trialing or past_due, not cancelled'
            using errcode = 'RQ008', hint = 'To end it: identity.end_subscription(tenant, user), or: reelq subscriptions end';
    end if;
    if p_facts ? 'monthly_quota' and p_facts -> 'monthly_quota' <> 'null' and identity.whole_number_refusal('monthly_quota', p_facts -> 'monthly_quota', 0, 2147483647) is not null then
        raise exception '%', (identity.whole_number_refusal('monthly_quota', p_facts -> 'monthly_quota', 0, 2147483647))[1]
            using errcode = 'RQ008', hint = 'null: as many as they like.';
    end if;

    if p_facts ? 'plan' and coalesce(
        p_facts ->> 'plan' <> all(case when p_user_id is null then '{standard,premium,enterprise}' else '{free,starter,pro,business,enterprise}' end::text[]), true
    ) then
        raise exception 'plan must be %, not %', v_plans, left((p_facts -> 'plan')::text, 80)
            using errcode = 'RQ008', hint = 'A tenant''s plans are others than those of a user.';
    end if;

    -- The owner's row first, so that two calls follow one another; see docs/design/locks.md. Enqueues do not wait for it.
    if p_user_id is null then
        perform from identity.tenants as t where t.id = v_tenant for no key update;
    else
        perform from identity.users as u where u.id = p_user_id for no key update;
    end if;
    select s.* into v_old from identity.open_subscription(v_tenant, p_user_id) as s;
    if v_old.id is null and p_facts ->> 'provider_subscription_id' <> '' then
        -- One that is paid late was ended by upkeep before: its own row comes back.
        select s.* into v_old
        from identity.subscriptions as s
        where
            s.tenant_id = v_tenant and coalesce(s.user_id = p_user_id, s.user_id is null and p_user_id is null)
            and s.provider = p_facts ->> 'provider' and s.provider_subscription_id = p_facts ->> 'provider_subscription_id'
        order by s.id desc
        limit 1;
        if v_old.id is not null then
            v_old := jsonb_populate_record(
                v_old, jsonb_build_object('status', 'active', 'ended_at', null, 'current_period_start', v_now, 'current_period_end', null)
            );
        end if;
    end if;
    if v_old.id is null then
        if not p_facts ? 'plan' then
            raise exception 'plan must be given: there is no live subscription to change' using errcode = 'RQ008', hint = v_plans;
        end if;
        v_is_new := true;
        -- Without a word about its quota: what the owner has without a subscription.
        v_old := jsonb_populate_record(
            v_old,
            jsonb_build_object(
                'id', base.uuid_v7(), 'tenant_id', v_tenant, 'user_id', p_user_id, 'status', 'active', 'current_period_start', v_now,
                'monthly_quota', (select q.monthly_quota from identity.quota_state(v_tenant, p_user_id) as q),
                'created_at', v_now, 'updated_at', v_now, 'status_changed_at', v_now
            )
        );
    end if;
    v_new := jsonb_populate_record(v_old, p_facts);
    if exists (
        select from unnest(array[v_new.trial_ends_at, v_new.current_period_start, v_new.current_period_end]) as t (at)
        where t.at not between '2000-01-01' and '9000-01-01'
    ) then
        raise exception 'times must be of the years 2000 to 9000' using errcode = 'RQ008', hint = 'ISO 8601, such as 2026-12-31T00:00:00Z; null: none.';
    end if;
    if v_new.status = 'trialing' and coalesce(v_new.trial_ends_at <= v_now, true) then
        raise exception 'trial_ends_at must be later than now, not %', coalesce(v_new.trial_ends_at::text, 'null')
            using errcode = 'RQ008', hint = 'When it has been paid, the status is active; when it is over: identity.end_subscription.';
    end if;

    insert into identity.subscriptions as s
    select v_new.*
    on conflict (id) do update set
        plan = excluded.plan, status = excluded.status, provider = excluded.provider,
        provider_subscription_id = excluded.provider_subscription_id, provider_customer_id = excluded.provider_customer_id,
        trial_ends_at = excluded.trial_ends_at, current_period_start = excluded.current_period_start,
        current_period_end = excluded.current_period_end, ended_at = excluded.ended_at, monthly_quota = excluded.monthly_quota
    where row(s.*) is distinct from row(excluded.*)
    returning s.* into v_written;
    if found then
        perform identity.tell_subscription(case when v_is_new then 'subscription.created' else 'subscription.changed' end, v_written);
    end if;
    if p_user_id is not null then
        update identity.users as u set status = case when v_new.status = 'trialing' then 'trial' else 'active' end
        where u.id = p_user_id and u.status in ('active', 'trial') and (u.status = 'trial') <> (v_new.status = 'trialing');
    end if;
    return v_new.id;
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_constraint = constraint_name;
        raise exception 'the subscription cannot be: %', coalesce(nullif(replace(v_constraint, '_', ' '), ''), sqlerrm)
            using errcode = 'RQ008', hint = format('The plan is %s; the status active, trialing (with trial_ends_at) or past_due.', v_plans);
    when unique_violation then
        raise exception 'provider_subscription_id must be of one subscription, and another live one has it'
            using errcode = 'RQ009', hint = 'Look: select * from identity.subscriptions where provider_subscription_id = …';
    when data_exception then
        raise exception 'a value must be of its type: %', sqlerrm
            using errcode = 'RQ008', hint = 'Times are ISO 8601, such as "2026-12-31T00:00:00Z"; monthly_quota is a whole number.';
end;
$$;

comment on function identity.set_subscription(text, uuid, jsonb) is $$
Make or change the live subscription of a user, or of a tenant; what is left out stays as it is. Returns its id. Tier and monthly quota of the
owner are its plan and quota from now on, which is told (events subscription.created, subscription.changed). A user in a trial has the status trial. For operators, and for what hears from the provider.
  select identity.set_subscription('acme', null, '{"plan": "premium", "monthly_quota": 5000}');

Arguments
  p_tenant   slug or id; null: the user's, else "default"
  p_user_id  null: the tenant's own
  p_facts    plan (of a user free, starter, pro, business, enterprise; of a tenant standard, premium, enterprise), status (active, trialing,
             past_due), provider, provider_subscription_id, provider_customer_id, trial_ends_at, current_period_start,
             current_period_end, monthly_quota (videos a month; null: as many as they like; left out of a new one: as before)

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
  RQ004  no such tenant or user
  RQ008  an unknown key, or a value that cannot be
  RQ009  the provider's id is another subscription's
$$;
