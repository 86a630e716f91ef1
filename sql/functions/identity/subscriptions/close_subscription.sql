create or replace function identity.close_subscription(p_id uuid, p_user_id uuid)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ended identity.subscriptions%rowtype;
begin
    update identity.subscriptions as s set status = 'cancelled', ended_at = base.clock() where s.id = p_id and s.status <> 'cancelled'
    returning s.* into v_ended;
    if found then
        perform identity.tell_subscription('subscription.ended', v_ended);
    end if;
    if p_user_id is not null then
        update identity.users as u set status = 'active' where u.id = p_user_id and u.status = 'trial';
    end if;
end;
$$;

comment on function identity.close_subscription(uuid, uuid) is $$
A subscription is over, which is told (event subscription.ended). The caller has locked its owner.
$$;
