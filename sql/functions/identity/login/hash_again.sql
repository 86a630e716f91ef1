create or replace function identity.hash_again(p_user_id uuid, p_proof bytea, p_password_hash text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update identity.users as u
    set password_hash = p_password_hash
    where
        u.id = p_user_id and u.deleted_at is null and sha256(convert_to(u.password_hash, 'UTF8')) = p_proof
        and coalesce(u.tenant_id = base.current_tenant(), true)
        and p_password_hash like '$argon2id$%';
    return found;
end;
$$;

comment on function identity.hash_again(uuid, bytea, text) is $$
Keep the same password under a newer hash; sessions go on. Returns whether it was done.

Arguments
  p_proof          SHA-256 of the present hash, as finish_login was given it: who has it knows the password
  p_password_hash  argon2id, made by identity.argon2_parameters()
$$;
