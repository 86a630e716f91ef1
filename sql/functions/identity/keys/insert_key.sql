create or replace function identity.insert_key(
    p_tenant_id uuid, p_user_id uuid, p_name text, p_scopes text[], p_hourly_limit integer, p_expires_at timestamptz, p_replaces uuid default null
)
returns table (id uuid, key text, prefix text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_most constant integer := 100;
    v_live uuid[];
    v_scopes text[] := array(select distinct s.word from unnest(p_scopes) as s (word) order by s.word);
begin
    -- Two statements: an index cannot serve "is not distinct from".
    if p_user_id is null then
        v_live := array(
            select k.id from identity.api_keys as k
            where
                k.tenant_id = p_tenant_id and k.user_id is null and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > base.clock())
            limit v_most
        );
    else
        v_live := array(
            select k.id from identity.api_keys as k
            where
                k.tenant_id = p_tenant_id and k.user_id = p_user_id and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > base.clock())
            limit v_most
        );
    end if;
    -- All that are good, also those that were rotated and run out: else one key could be rotated into a thousand.
    if cardinality(v_live) >= v_most then  -- mutant: rotated keys do not count
        raise exception 'an owner must have % live keys at most', v_most using errcode = 'RQ009', hint = 'Revoke those that are not used: reelq keys list. A rotated key counts until it expires; with p_grace 0 that is at once.';
    end if;
    -- 244 random bits of the server's strong generator, in letters and digits.
    key := 'sk_live_' || translate(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), E'+/=\n', 'xy');
    prefix := substr(key, 9, 8);
    id := base.uuid_v7();
    if p_replaces is not null then
        update identity.api_keys as k set replaced_by = insert_key.id where k.id = p_replaces;
    end if;
    -- One that has expired gives its name to the new one. Two statements, as above.
    if p_user_id is null then
        update identity.api_keys as k set replaced_by = insert_key.id
        where
            k.tenant_id = p_tenant_id and k.user_id is null and k.name = p_name and k.revoked_at is null and k.replaced_by is null
            and k.expires_at <= base.clock();  -- mutant: an expired key holds its name
    else
        update identity.api_keys as k set replaced_by = insert_key.id
        where
            k.tenant_id = p_tenant_id and k.user_id = p_user_id and k.name = p_name and k.revoked_at is null and k.replaced_by is null
            and k.expires_at <= base.clock();
    end if;
    insert into identity.api_keys (id, tenant_id, user_id, name, prefix, key_hash, scopes, hourly_limit, expires_at, counted_as, created_by)
    values (
        id, p_tenant_id, p_user_id, p_name, prefix, sha256(convert_to(key, 'UTF8')), v_scopes, p_hourly_limit, p_expires_at,
        (select coalesce(k.counted_as, k.id) from identity.api_keys as k where k.id = p_replaces), left(identity.actor(), 100)
    );
    insert into identity.api_key_last_uses (key_id) values (id);
    return next;
exception
    when unique_violation then
        raise exception 'name must be new among the live keys of its owner, not %', quote_literal(left(p_name, 80))
            using errcode = 'RQ009', hint = 'Revoke the other one, or rotate it: reelq keys rotate';
end;
$$;

comment on function identity.insert_key(uuid, uuid, text, text[], integer, timestamptz, uuid) is $$
Make the key that was asked for, in the place of another one or not. Returns its id, the key and its prefix. Who may is the caller's to ask.

Raises
  RQ009  the owner has a live key of that name, or 100 live keys
$$;
