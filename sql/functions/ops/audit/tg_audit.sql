create or replace function ops.tg_audit()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    v_new jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    v_row jsonb := coalesce(v_new, v_old);
    v_keys text[] := string_to_array(tg_argv[1], ',');
    v_columns text[];
    v_secret text[];
    v_before jsonb;
    v_after jsonb;
    v_tenant_id uuid;
    v_subject uuid;
begin
    v_columns := array(
        select k from jsonb_object_keys(v_row) as k
        where
            (v_old -> k) is distinct from (v_new -> k) and k <> all(string_to_array(tg_argv[2], ','))
            and (tg_op = 'UPDATE' or v_row -> k <> 'null')
    );
    if v_columns = '{}' then
        return null;
    end if;
    v_secret := array(select c.column_name from ops.column_classes(tg_relid) as c where c.class = 'secret' and c.column_name = any(v_columns));  -- mutant: the audit holds hashes
    -- The same secret under another key: rotations are told once, by who runs them.
    if tg_op = 'UPDATE' and not exists (
        select from unnest(v_columns) as c
        where c <> all(v_secret) or coalesce(ops.envelope_key_of(v_old ->> c) = ops.envelope_key_of(v_new ->> c), true)  -- mutant: a rotation fills the audit
    ) then
        return null;
    end if;

    -- A row that came or went is told whole; of one that changed, what changed. A secret's name is told, never its value.
    if tg_op <> 'INSERT' then
        v_before := (
            select jsonb_object_agg(e.key, case
                when e.key = any(v_secret) and e.value <> 'null' then case when tg_op = 'UPDATE' then '"(secret)"'::jsonb else '"(changed)"' end else e.value
            end)
            from jsonb_each(v_old) as e where e.key = any(v_columns || v_keys)
        );
    end if;
    if tg_op <> 'DELETE' then
        v_after := (
            select jsonb_object_agg(e.key, case when e.key = any(v_secret) and e.value <> 'null' then '"(changed)"' else e.value end)
            from jsonb_each(v_new) as e where e.key = any(v_columns || v_keys)
        );
    end if;
    v_tenant_id := case tg_argv[0] when 'tenant' then v_row ->> 'id' else v_row ->> 'tenant_id' end;
    v_subject := case tg_argv[0] when 'user' then v_row ->> 'id' else v_row ->> 'user_id' end;

    perform base.record_act(
        ops.name_act(tg_argv[0], tg_op, v_before, case when tg_op = 'UPDATE' then (select jsonb_object_agg(c, v_after -> c) from unnest(v_columns) as c) else v_after end),
        tg_argv[0], (select string_agg(v_row ->> k, ':' order by n) from unnest(v_keys) with ordinality as key (k, n)),
        v_before, v_after, v_tenant_id, jsonb_strip_nulls(jsonb_build_object('subject_user_id', v_subject))
    );
    return null;
end;
$$;

comment on function ops.tg_audit() is $$
Trigger after insert, update or delete for each row of a sensitive table: an act in the audit, by whoever writes. Of an update before and
after hold the key and the columns that changed; of columns of class secret only that they changed. No act where nothing changed but what its third argument names. ops.attach_audit
makes the triggers.

Arguments
  1  what the audit calls a row of the table
  2  the columns of its key, parted by commas
  3  the columns whose change is no act
$$;
