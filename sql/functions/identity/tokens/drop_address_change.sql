create or replace function identity.drop_address_change(p_user_id uuid)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    -- A token for the present address does no harm: it says of the address only what is so.
    delete from identity.one_time_tokens as t
    where
        t.user_id = p_user_id and t.used_at is null and t.purpose = 'verify_email'
        and lower(t.email) <> (select lower(u.email) from identity.users as u where u.id = p_user_id);  -- mutant: a stolen session's address outlives it
$$;

comment on function identity.drop_address_change(uuid) is $$
Forget that a user asked for another address. Whoever had taken over a session may have asked: called when sessions end, or a password changes.
$$;
