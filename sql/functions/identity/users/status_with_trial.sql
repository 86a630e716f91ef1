create or replace function identity.status_with_trial(p_tenant_id uuid, p_user_id uuid, p_status text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_status not in ('active', 'trial') then p_status
        when exists (select from identity.live_subscription(p_tenant_id, p_user_id) as s where s.status = 'trialing') then 'trial'
        else 'active'
    end;
$$;

comment on function identity.status_with_trial(uuid, uuid, text) is $$
The status that a user comes back with: of active and trial the one that the live subscription says, any other as it is.
$$;
