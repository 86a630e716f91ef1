create or replace function identity.use_quota(p_tenant_id uuid, p_user_id uuid, p_videos integer default 1)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
as $$
declare
    v_today date := (base.clock() at time zone 'utc')::date;
    v_owner uuid;
    v_now record;
    v_used integer;
    v_quota integer;
    v_event text;
begin
    -- The tenant's, then the user's: one order for all, and whoever waits for the tenant's holds no user's.
    for v_owner in select o.id from unnest(case when p_user_id is null then array[null::uuid] else array[null, p_user_id] end) as o (id) loop
        select q.* into v_now from identity.quota_state(p_tenant_id, v_owner) as q;
        -- Without a bound nothing is written, so that nobody waits for anybody.
        continue when v_now.monthly_quota is null;

        if v_now.id is null then
            insert into identity.quotas as q (tenant_id, user_id, monthly_quota, reset_day, resets_on)
            values (p_tenant_id, v_owner, case when v_owner is not null then 30 end, v_now.reset_day, v_now.resets_on)
            on conflict on constraint one_quota_each do nothing;
            -- Ours, or that of a session which was first and has committed.
            v_now.id := (select q.id from identity.quota_state(p_tenant_id, v_owner) as q);
        end if;
        -- What is used is judged by the row as it is when its turn has come: of fifty at once none goes over.
        update identity.quotas as q
        set
            used = p_videos + case when q.resets_on > v_today then q.used else 0 end,
            resets_on = case when q.resets_on > v_today then q.resets_on else base.next_monthly(q.reset_day, v_today) end
        where
            q.id = v_now.id
            and p_videos + case when q.resets_on > v_today then q.used else 0 end::bigint
            <= case when v_now.source = 'subscription' then v_now.monthly_quota else coalesce(q.monthly_quota, 2147483647) end  -- mutant: a quota is no bound
        returning q.used, q.resets_on, case when v_now.source = 'subscription' then v_now.monthly_quota else q.monthly_quota end
        into v_used, v_now.resets_on, v_quota;
        if not found then
            select q.* into v_now from identity.quota_state(p_tenant_id, v_owner) as q;
            raise exception 'the monthly quota of % is used up: % of %',
                case when v_owner is null then format('tenant %s', p_tenant_id) else format('user %s', v_owner) end,
                v_now.used, coalesce(v_now.monthly_quota::text, 'any')
                using
                    errcode = 'RQ013',
                    detail = jsonb_build_object(
                        'tenant_id', p_tenant_id, 'user_id', v_owner, 'monthly_quota', v_now.monthly_quota, 'used', v_now.used,
                        'resets_on', v_now.resets_on
                    )::text,
                    hint = format('It begins anew on %s (UTC). Until then a larger plan, or an operator, gives more.', v_now.resets_on);
        end if;
        -- Told by whoever takes the step, so each is told once a month and nothing is kept of it.
        if v_used = v_quota then
            v_event := 'quota.spent';
        elsif v_used::bigint * 5 >= v_quota::bigint * 4 and (v_used - p_videos)::bigint * 5 < v_quota::bigint * 4 then  -- mutant: a quota is near with every video
            v_event := 'quota.near';
        else
            continue;
        end if;
        perform base.emit_event(
            v_event, p_tenant_id, 'quota:' || coalesce(v_owner, p_tenant_id),
            jsonb_build_object('user_id', v_owner, 'monthly_quota', v_quota, 'used', v_used, 'resets_on', v_now.resets_on)
        );
    end loop;
end;
$$;

comment on function identity.use_quota(uuid, uuid, integer) is $$
Use up the monthly quota of a tenant, where it has one, and of its user, where one is named, by so many videos; part of whatever
transaction it is called in. The rows stay locked until that ends: call it last. At 80 % it is told once (event quota.near), and with the last one (quota.spent).

Arguments
  p_user_id  null: nobody's in particular; the tenant's alone

Raises
  RQ013  one of them does not have so many left; the detail is JSON
$$;
