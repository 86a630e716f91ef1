create or replace function identity.authenticate(p_key text)
returns table (tenant_id uuid, user_id uuid, key_id uuid, scopes text[], role text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    v_now timestamptz := base.clock();
    v_hash bytea := case when p_key ~ '^sk_live_[A-Za-z0-9]{43}$' then sha256(convert_to(p_key, 'UTF8')) end;
    v_hour timestamptz := date_trunc('hour', v_now, 'UTC');
    v_writes boolean := current_setting('transaction_read_only') = 'off';
    v_limit integer;
    v_last timestamptz;
    v_counted_as uuid;
    v_weight integer;
    v_counts boolean := false;
    v_enters boolean;
    v_committed boolean := current_setting('transaction_isolation') = 'read committed';
begin
    select k.tenant_id, k.user_id, k.id, k.scopes, u.role, k.hourly_limit, l.used_at, coalesce(k.counted_as, k.id)
    into tenant_id, user_id, key_id, scopes, role, v_limit, v_last, v_counted_as
    from identity.api_keys as k
    inner join identity.tenants as t on t.id = k.tenant_id
    left join identity.users as u on u.id = k.user_id and u.tenant_id = k.tenant_id and u.deleted_at is null and u.status in ('active', 'trial')
    left join identity.api_key_last_uses as l on l.key_id = k.id
    where
        k.key_hash = v_hash
        and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > v_now)  -- mutant: a key never expires
        and coalesce(k.tenant_id = identity.pinned_tenant(), true)  -- mutant: a pinned tenant takes another's key
        and t.status = 'active'
        and (k.user_id is null or u.id is not null);  -- mutant: a key outlives its user
    if key_id is null then
        -- One wording, whatever it is: an unknown key and one that was good tell the same.
        raise exception 'the API key is not accepted' using errcode = 'RQ014', hint = 'Whoever made it sees why: reelq keys list --all';
    end if;

    if v_limit is not null then
        if (select coalesce(sum(c.uses), 0) from identity.api_key_uses as c where c.key_id = v_counted_as and c.hour = v_hour) >= v_limit then  -- mutant: a key has no hourly limit
            raise exception 'the API key was used % times this hour, and may not be used more often', v_limit
                using
                    errcode = 'RQ015',
                    detail = ceil(extract(epoch from v_hour + interval '1 hour' - v_now))::text,
                    hint = format('From %s on it may be used again.', v_hour + interval '1 hour');
        end if;
        -- From 2,000 an hour on only some calls are entered, each for all that were not.
        v_weight := greatest(1, v_limit / 1000);
        v_counts := v_writes and (v_weight = 1 or random() * v_weight < 1);
    end if;
    -- Under another isolation a row that was changed meanwhile would be an error; the next call enters it.
    v_enters := v_writes and v_committed and coalesce(v_last < v_now - interval '5 minutes', true);

    if (v_counts or v_enters) and v_committed then
        -- Owners before what is theirs, in the order in which they are deleted: see docs/design/locks.md.
        perform from identity.tenants as t where t.id = authenticate.tenant_id for key share;
        perform from identity.users as u where u.id = authenticate.user_id for key share;
    end if;
    if v_counts then
        -- Each session counts in a row of its own.
        insert into identity.api_key_uses as c (key_id, hour, pid, uses)
        values (v_counted_as, v_hour, pg_backend_pid(), v_weight)
        on conflict on constraint api_key_uses_pkey do update set uses = c.uses + excluded.uses;
    end if;
    if v_enters then
        update identity.api_key_last_uses as l set used_at = v_now
        where l.key_id = any(array(
            select o.key_id from identity.api_key_last_uses as o
            where o.key_id = authenticate.key_id and coalesce(o.used_at < v_now - interval '5 minutes', true)
            for no key update skip locked
        ));
    end if;

    perform
        set_config('reelq.tenant_id', tenant_id::text, true),
        set_config('reelq.user_id', coalesce(user_id::text, ''), true),  -- mutant: a user of before stays
        set_config('reelq.session_id', '', true),
        set_config('reelq.api_key_id', key_id::text, true);
    return next;
end;
$$;

comment on function identity.authenticate(text) is $$
Who comes with this API key: tenant, user (null: the tenant itself), key, scopes, and the user's role. Until the transaction ends the session
acts for them: sets reelq.tenant_id, reelq.user_id and reelq.api_key_id. First statement of a transaction; give the key as a bound
parameter, so that no log bears it. With reelq.tenant_id set before, keys of that tenant only.
  begin; select * from identity.authenticate($1); select identity.check_scope('write'); … commit;

A use counts with its transaction; calls that are open at the same moment do not see each other, so that no key is a row that all wait for. Limits
of 2,000 an hour and more are kept to some per cent, smaller ones exactly. In a read-only transaction nothing is counted. Under SERIALIZABLE it
may have to be repeated (40001).

Raises
  RQ014  it is not accepted: unknown, revoked, expired, its tenant not active or its user gone, in one wording
  RQ015  it was used as often this hour as it may; the detail is after how many seconds to come back
$$;
