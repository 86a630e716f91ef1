create or replace function ops.name_act(p_entity_type text, p_event text, p_before jsonb, p_after jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    -- One row, one name: the gravest of what changed. The columns tell the rest.
    select p_entity_type || '.' || case
        when p_event = 'INSERT' then 'created'
        when p_event = 'DELETE' then 'deleted'
        when p_after ? 'role' then 'role_changed'
        when p_after ? 'deleted_at' and p_after -> 'deleted_at' <> 'null' then 'deleted'
        when p_after ? 'revoked_at' and p_after -> 'revoked_at' <> 'null' then 'revoked'
        when p_after ? 'two_factor_enabled' then
            case when (p_after ->> 'two_factor_enabled')::boolean then 'second_factor_enabled' else 'second_factor_disabled' end
        when p_after ? 'password_hash' then 'password_changed'
        when p_after ? 'email' then 'email_changed'
        when p_after ? 'scopes' then 'scopes_changed'
        when p_after ? 'status' then 'status_changed'
        when p_after ? 'locked_until' then case when p_after -> 'locked_until' = 'null' then 'unlocked' else 'locked' end
        when p_after ? 'paused_at' then case when p_after -> 'paused_at' = 'null' then 'resumed' else 'paused' end
        else 'changed'
    end;
$$;

comment on function ops.name_act(text, text, jsonb, jsonb) is $$
What the audit calls a change of a row: user.created, user.role_changed, api_key.revoked, setting.changed, …

Arguments
  p_event            INSERT, UPDATE or DELETE
  p_before, p_after  the columns that changed
$$;
