create or replace function identity.actor()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        'key:' || nullif(current_setting('reelq.api_key_id', true), ''),
        'user:' || nullif(current_setting('reelq.user_id', true), ''),
        -- As in base.is_trusted: who called, not whose function this is called from.
        nullif(current_setting('role', true), 'none'), session_user::text
    );
end;
$$;

comment on function identity.actor() is $$
Who acts, for a record of it: key:<id>, user:<id>, or the name of the role.
$$;
