create or replace function identity.rotate_key(p_key_id uuid, p_grace interval default '24 hours')
returns table (id uuid, key text, prefix text, old_expires_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now timestamptz := base.clock();
    v_key identity.api_keys%rowtype;
begin
    perform base.check_read_committed();
    if p_grace is null or p_grace not between '0' and interval '30 days' then
        raise exception 'grace must be 0 to 30 days, not %', coalesce(p_grace::text, 'null') using errcode = 'RQ008', hint = 'How long the old key is still good.';
    end if;
    v_key := identity.lock_key(p_key_id);  -- asks identity.may_change
    if v_key.revoked_at is not null or v_key.replaced_by is not null or v_key.expires_at <= v_now then
        raise exception 'key % must be good to be rotated, and is %', v_key.id,
            case when v_key.revoked_at is not null then 'revoked' when v_key.replaced_by is not null then 'replaced' else 'expired' end
            using errcode = 'RQ009', hint = 'Rotate the one that came in its place, or make a new one: reelq keys create';
    end if;
    old_expires_at := least(v_key.expires_at, v_now + p_grace);
    update identity.api_keys as k set expires_at = rotate_key.old_expires_at where k.id = v_key.id;
    select k.id, k.key, k.prefix into id, key, prefix
    from identity.insert_key(v_key.tenant_id, v_key.user_id, v_key.name, v_key.scopes, v_key.hourly_limit, v_key.expires_at, v_key.id) as k;
    return next;
end;
$$;

comment on function identity.rotate_key(uuid, interval) is $$
Make a new key in the place of one, with its name, owner, scopes, limit and expiry. Returns it as identity.create_key does, and when the old one
expires: until then both are good.

Arguments
  p_grace  how long the old key is still good, 0 to 30 days

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such key, or not one that the caller may see
  RQ008  a grace that cannot be
  RQ009  the key is revoked, expired or replaced, or its owner has 100 good keys with this one: rotate it without a grace
  RQ016  the user's role or the key's scope does not allow it
$$;
