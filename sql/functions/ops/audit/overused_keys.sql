create or replace function ops.overused_keys(p_tenant text default null, p_since timestamptz default null, p_share numeric default 0.8)
returns table (
    id uuid, tenant_id uuid, user_id uuid, name text, prefix text, hour timestamptz, uses bigint, hourly_limit integer, share numeric
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_tenant uuid := base.current_tenant();
begin
    if v_tenant is null and not base.is_trusted() then
        raise exception 'reelq.tenant_id must be set to see keys' using errcode = 'RQ004', hint = 'set reelq.tenant_id to your own tenant.';
    end if;
    if identity.limited_to() is not null then
        return;  -- as row security has it: nothing is visible
    end if;
    if p_share is null or p_share not between 0.01 and 10 then
        raise exception 'share must be 0.01 to 10 of the limit, not %', coalesce(p_share::text, 'null') using errcode = 'RQ008', hint = 'The default is 0.8.';
    end if;
    if p_tenant is not null then
        v_tenant := identity.find_tenant(p_tenant);
    end if;
    return query execute
        'select k.id, k.tenant_id, k.user_id, k.name, k.prefix, u.hour, u.uses, k.hourly_limit, round(u.uses / k.hourly_limit::numeric, 2) from '
        || case
            when v_tenant is null then
                '(
                    select r.key_id, r.hour, sum(r.uses)::bigint as uses
                    from (select c.* from identity.api_key_uses as c where c.hour >= $1 order by c.hour desc limit 200000) as r
                    group by r.key_id, r.hour
                ) as u
                inner join identity.api_keys as k on coalesce(k.counted_as, k.id) = u.key_id and k.replaced_by is null'
            else
                '(select one.* from identity.api_keys as one where one.tenant_id = $3 and one.replaced_by is null order by one.id desc limit 20000) as k
                cross join lateral (
                    select c.hour, sum(c.uses)::bigint as uses from identity.api_key_uses as c
                    where c.key_id = coalesce(k.counted_as, k.id) and c.hour >= $1 group by c.hour
                ) as u'
        end || '
        where u.uses >= k.hourly_limit * $2
        order by u.uses / k.hourly_limit::numeric desc, u.hour desc, k.id
        limit 1000'
    using date_trunc('hour', coalesce(p_since, base.clock() - interval '1 hour'), 'UTC'), p_share, v_tenant;
exception
    when undefined_table then
        return;
end;
$$;

comment on function ops.overused_keys(text, timestamptz, numeric) is $$
Keys that are used for most of what they may in an hour, or for more: somebody else may have one, or its limit is too small. For operators, a tenant and its admin; another user sees none.

Arguments
  p_tenant  slug or id
  p_since   null: the hour before this one, and this one
  p_share   of the key's hourly_limit: 0.8 is four fifths

Raises
  RQ004  no such tenant; an application that has set no tenant
  RQ008  a share that makes no sense
$$;
