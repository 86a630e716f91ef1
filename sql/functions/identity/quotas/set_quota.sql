create or replace function identity.set_quota(
    p_tenant text, p_user_id uuid, p_monthly_quota integer, p_reset_day integer default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid := identity.named_owner(p_tenant, p_user_id);
    v_old record;
    v_day integer;
begin
    perform base.check_operator();
    if p_monthly_quota < 0 then
        raise exception 'quota must be 0 or more videos a month, not %', p_monthly_quota using errcode = 'RQ008', hint = 'null: as many as they like.';
    end if;
    if p_reset_day not between 1 and 31 then
        raise exception 'reset day must be a day of the month, 1 to 31, not %', p_reset_day
            using errcode = 'RQ008', hint = 'In months that are shorter it is their last day.';
    end if;
    select q.* into v_old from identity.quota_state(v_tenant, p_user_id) as q;
    if v_old.source = 'subscription' then
        raise exception 'the quota must be changed in the live subscription, which decides it'
            using errcode = 'RQ009', hint = 'identity.set_subscription(tenant, user, ''{"monthly_quota": 100}''), or: reelq subscriptions set --quota 100';
    end if;
    v_day := coalesce(p_reset_day, v_old.reset_day);
    insert into identity.quotas as q (tenant_id, user_id, monthly_quota, used, reset_day, resets_on)
    values (v_tenant, p_user_id, p_monthly_quota, 0, v_day, base.next_monthly(v_day, (base.clock() at time zone 'utc')::date))
    on conflict on constraint one_quota_each do update set
        monthly_quota = excluded.monthly_quota, reset_day = excluded.reset_day,
        -- Another day does not begin the month anew. A day that has passed since is the next use's.
        resets_on = case
            when q.reset_day = excluded.reset_day or q.resets_on <= (base.clock() at time zone 'utc')::date then q.resets_on
            -- Nor does it make the month longer: what was used counts until the day on which it would have ended, or an earlier one.
            else least(q.resets_on, excluded.resets_on)
        end;
    perform base.record_act(
        'quota.set', case when p_user_id is null then 'tenant' else 'user' end, coalesce(p_user_id, v_tenant)::text,
        jsonb_build_object('monthly_quota', v_old.monthly_quota, 'reset_day', v_old.reset_day),
        jsonb_build_object('monthly_quota', p_monthly_quota, 'reset_day', v_day), v_tenant
    );
end;
$$;

comment on function identity.set_quota(text, uuid, integer, integer) is $$
Set how many videos a month a user, or a tenant, may bring in without a subscription. What was used stays. For operators.

Arguments
  p_tenant         slug or id; null: the user's, else "default"
  p_user_id        null: the tenant's own
  p_monthly_quota  null: as many as they like; they are not counted then
  p_reset_day      the day of the month on which it begins anew, in UTC; null: stays (at first the day on which the owner was made)

Raises
  42501  the caller acts for a tenant
  RQ004  no such tenant or user
  RQ008  a quota or a day that cannot be
  RQ009  a live subscription decides
$$;
