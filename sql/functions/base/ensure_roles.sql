create or replace function base.ensure_roles()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text;
begin
    foreach v_role in array array['reelq_worker', 'reelq_app', 'reelq_readonly', 'reelq_support', 'reelq_admin'] loop
        continue when to_regrole(v_role) is not null;

        begin
            execute format('create role %I nologin', v_role);
        exception
            -- Roles belong to the cluster: another database may be installing at this moment.
            when duplicate_object or unique_violation then
                raise debug 'role % was made by somebody else just now', v_role;
            when insufficient_privilege then
                raise exception 'role % must exist, and % may not create it', v_role, current_user
                    using errcode = 'insufficient_privilege', hint = format('As a superuser: create role %I nologin;  then again.', v_role);
        end;
    end loop;
end;
$$;

comment on function base.ensure_roles() is $$
Create the cluster's roles that the product grants to, where they are missing.

  reelq_worker    claims, settles and records what was made; for all tenants
  reelq_app       enqueues and reads for the tenant in reelq.tenant_id
  reelq_readonly  reads for the tenant in reelq.tenant_id
  reelq_support   reads masked views, of all tenants or of the one in reelq.tenant_id
  reelq_admin     an operator: sees all tenants and calls what operators call; claims nothing

None can log in: grant them to the roles that do. The installing role owns everything.

Raises
  42501  a role is missing and the caller has no CREATEROLE
$$;
