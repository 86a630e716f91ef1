create or replace function identity.set_login_setting(p_name text, p_value text)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_value text := trim(p_value);
    v_present text := identity.login_setting(p_name);
    v_kind text;
    v_fits boolean := false;
begin
    perform base.check_operator();
    -- The present value tells the kind of the setting.
    if v_present in ('yes', 'no') then
        v_kind := 'yes or no';
        v_fits := v_value in ('yes', 'no');
    elsif v_present ~ '^[0-9]+$' then
        -- More than this no host that logs somebody in could hash, and a try counts as failed before it is hashed.
        v_kind := format('a whole number from 1 to %s', identity.most_of_login_setting(p_name));
        v_fits := v_value ~ '^[1-9][0-9]{0,8}$' and v_value::integer <= identity.most_of_login_setting(p_name);
    else
        v_kind := 'a time of 1 second to 10 years with its unit';
        if v_value !~ '^[0-9.[:space:]]+$' then -- Postgres would read a bare number as seconds
            begin
                v_fits := v_value::interval between interval '1 second' and interval '10 years';
            exception
                when data_exception then
                    v_fits := false;
            end;
        end if;
    end if;
    if p_name in ('login_lock', 'login_lock_longest') and v_fits then
        -- It is doubled up to 30 times, and nobody waits longer for a lock to end.
        v_kind := 'a time of 1 second to 1 day with its unit';
        v_fits := v_value::interval <= interval '1 day';
    end if;
    if p_name = 'argon2_memory_kib' and v_fits then
        v_kind := 'a whole number from 8192 to 262144';
        v_fits := v_value::integer >= 8192;
    end if;
    if p_name = 'bcrypt_cost' and v_fits then
        v_kind := 'a whole number from 4 to 14';
        v_fits := v_value::integer >= 4;
    end if;
    -- Else a session that is in use would end, because nobody has written that it is.
    if p_name = 'session_seen_every' and v_fits then
        v_kind := format('a time shorter than session_idle (%s), with its unit', identity.login_setting('session_idle'));
        v_fits := v_value::interval < identity.login_setting('session_idle')::interval;  -- mutant: a session in use is idle
    end if;
    if p_name = 'session_idle' and v_fits then
        v_kind := format('a time longer than session_seen_every (%s), with its unit', identity.login_setting('session_seen_every'));
        v_fits := v_value::interval > identity.login_setting('session_seen_every')::interval;
    end if;
    if v_fits is not true then
        raise exception '% must be %, not %', p_name, v_kind, coalesce(quote_literal(left(p_value, 80)), 'null')
            using errcode = 'RQ008', hint = format('Write it as the present value is written: %s', v_present);
    end if;
    update identity.login_settings as s set value = v_value where s.name = p_name;
    perform base.record_act('setting.changed', 'setting', 'identity.' || p_name, to_jsonb(v_present), to_jsonb(v_value));
    return v_value;
end;
$$;

comment on function identity.set_login_setting(text, text) is $$
Change a setting of log-ins, sessions and passwords; it holds from the next call of whatever reads it. Returns the value.
  select identity.set_login_setting('session_idle', '12 hours');

Raises
  RQ008  no such setting, or a value that does not fit it
  42501  the caller acts for a tenant
$$;
