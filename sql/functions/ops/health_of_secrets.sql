create or replace function ops.health_of_secrets()
returns table (finding text, level text, detail text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_current text := (select s.key_id from ops.secret_keys as s where s.is_current);
    v_used record;
    v_any boolean := false;
    v_other boolean := false;
begin
    if not base.is_operator() then
        return;
    end if;
    finding := 'secrets';
    for v_used in
        select u.table_name || '.' || u.column_name as place, u.key_id, s.forgotten_at, s.key_id is null and v_current is not null as is_strange
        from ops.list_used_secret_keys() as u left join ops.secret_keys as s on s.key_id = u.key_id
    loop
        v_any := true;
        continue when v_used.key_id = v_current;
        v_other := true;
        level := case when v_used.forgotten_at is null then 'warn' else 'bad' end;
        detail := format(
            'Rows of %s are sealed under key %s%s', v_used.place, v_used.key_id,
            case
                when v_used.forgotten_at is not null then ', which was removed'
                when v_used.is_strange then ', of which no host has told'
                when v_current is null then '; no key is current'
                else ', not under the current one'
            end
        );
        remedy := case
            when v_used.forgotten_at is not null then 'Put the key back from a copy of the key file, then: reelq secrets rotate'
            when v_used.is_strange then 'reelq secrets status, on the host that has sealed them'
            else 'reelq secrets rotate'
        end;
        return next;
    end loop;
    if not v_other then
        level := 'ok';
        detail := case when v_any then format('All are sealed under the current key, %s.', v_current) else 'None is sealed yet.' end;
        remedy := null;
        return next;
    end if;
end;
$$;

comment on function ops.health_of_secrets() is $$
Part of ops.health: sealed columns with rows under another key than the current one. Whether a host has the keys only that host can tell. For operators; others get no row.
$$;
