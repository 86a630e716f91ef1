create or replace function ops.set_config(p_key text, p_value jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row ops.system_config;
    v_refusal text;
begin
    perform base.check_operator();
    v_row := ops.find_config(p_key);
    v_refusal := base.config_refusal(v_row.value_type, v_row.min_value, v_row.max_value, v_row.choices, p_value);
    if v_refusal is null and jsonb_typeof(p_value) = 'null' then
        v_refusal := 'must be a value, not a JSON null';
    end if;
    if v_refusal is not null then
        raise exception '% %', case when v_row.value_type = 'secret' then p_key || ':' else p_key end, v_refusal
            using errcode = 'RQ008', hint = case
                when v_row.value_type = 'secret' then format('reelq config set %s - reads it from stdin and seals it.', p_key)
                else format('%s SQL null: back to the default, which is %s.', v_row.description, coalesce(v_row.default_value::text, 'none'))
            end;
    end if;
    update ops.system_config as c set value = p_value, sealed_value = case when p_value is not null then c.sealed_value end where c.key = p_key;
    return coalesce(p_value, v_row.default_value);
end;
$$;

comment on function ops.set_config(text, jsonb) is $$
Change a setting of all workers; they see it within seconds, without a restart. Returns what holds now. On a host whose environment says something else the
environment wins: `reelq config show` there says so. Audited. For operators.
  select ops.set_config('worker.poll_s', '"200ms"');   -- refused: a time has one of the units s, m, h, d
  select ops.set_config('worker.poll_s', '"0.2s"');

Arguments
  p_value  JSON of the key's type: 5, true, "15m", "20GB", "debug"; null: the default; of a secret only null, which removes it

Raises
  42501  the caller acts for a tenant
  RQ004  no such key
  RQ008  the value is not of the key's type, or beyond its bounds; or the key is a secret
$$;
