create or replace function media.find_video_by_key(p_tenant_id uuid, p_idempotency_key text)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_video uuid;
    v_user uuid;
begin
    select v.id, v.user_id into v_video, v_user from media.videos as v
    where v.tenant_id = p_tenant_id and v.idempotency_key = p_idempotency_key and v.deleted_at is null;
    if v_video is not null and not identity.may_see(p_tenant_id, v_user) then
        raise exception 'idempotency key must be a new one, and another user of the tenant has used it'
            using errcode = 'RQ009', hint = 'Put the user''s id into the key.';
    end if;
    return v_video;
end;
$$;

comment on function media.find_video_by_key(uuid, text) is $$
The live video of a tenant that was brought in with this idempotency key; null: none.

Raises
  RQ009  there is one, and the caller may not see it
$$;
