create or replace function identity.quota_state(p_tenant_id uuid, p_user_id uuid)
returns table (id uuid, monthly_quota integer, used integer, resets_on date, reset_day integer, source text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_today date := (base.clock() at time zone 'utc')::date;
    v_row identity.quotas%rowtype;
    v_live identity.subscriptions%rowtype;
begin
    if p_user_id is null then
        select q.* into v_row from identity.quotas as q where q.tenant_id = p_tenant_id and q.user_id is null;
    else
        select q.* into v_row from identity.quotas as q where q.tenant_id = p_tenant_id and q.user_id = p_user_id;
    end if;
    select s.* into v_live from identity.live_subscription(p_tenant_id, p_user_id) as s;
    id := v_row.id;
    reset_day := coalesce(
        v_row.reset_day,
        extract(day from (
            case
                when p_user_id is null then (select t.created_at from identity.tenants as t where t.id = p_tenant_id)
                else (select u.created_at from identity.users as u where u.id = p_user_id)
            end
        ) at time zone 'utc')
    );
    source := case when v_live.id is not null then 'subscription' when v_row.monthly_quota is distinct from case when v_row.id is null or p_user_id is null then null else 30 end then 'set' else 'default' end;
    monthly_quota := case
        when v_live.id is not null then v_live.monthly_quota  -- mutant: a subscription gives no quota
        when v_row.id is not null then v_row.monthly_quota
        when p_user_id is not null then 30
    end;
    used := case when v_row.resets_on > v_today then v_row.used else 0 end;
    resets_on := case when v_row.resets_on > v_today then v_row.resets_on else base.next_monthly(reset_day, v_today) end;
    return next;
end;
$$;

comment on function identity.quota_state(uuid, uuid) is $$
The quota of a user or a tenant as it is at this moment, one row: its row's id (null: it has none yet), videos a month (null: no bound), how many were used, when that begins
anew, on which day of the month, and where the bound comes from: subscription, set (identity.set_quota), default (30 for a user, none for a
tenant; also where just that was set).

Arguments
  p_user_id  null: the tenant's own
$$;
