create or replace function ops.set_sealed_config(p_key text, p_sealed bytea)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row ops.system_config;
begin
    perform base.check_operator();
    v_row := ops.find_config(p_key);
    if v_row.value_type <> 'secret' then
        raise exception '% must be %, not a secret', p_key, v_row.value_type using errcode = 'RQ008', hint = 'ops.set_config(key, value) sets it.';
    end if;
    if base.is_envelope(p_sealed) is not true then
        raise exception 'p_sealed must be a sealed secret'
            using errcode = 'RQ008', hint = 'Keyring.seal(secret, table="ops.system_config", row=key, column="sealed_value").';
    end if;
    perform base.check_sealed(p_sealed);
    update ops.system_config as c set sealed_value = p_sealed where c.key = p_key;
end;
$$;

comment on function ops.set_sealed_config(text, bytea) is $$
Set a secret of all workers; to remove it, ops.set_config(key, null). Audited, but for what it is. For operators.

Arguments
  p_sealed  the secret, sealed for this row's column sealed_value: see base.is_envelope

Raises
  42501  the caller acts for a tenant
  RQ004  no such key
  RQ008  the key is no secret, or the value not sealed
  RQ017  it is not sealed under the current key
$$;
