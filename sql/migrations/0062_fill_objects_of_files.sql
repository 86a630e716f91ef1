-- transaction: none
-- back: nothing to go back: the old columns are as they were
-- A few hundred rows a transaction, so that nobody waits; stopped at any moment, the next run goes on. The triggers of 0060 do the work.
do $$
declare
    v_last uuid := '00000000-0000-0000-0000-000000000000';
    v_ids uuid[];
begin
    loop
        v_ids := array(select a.id from media.assets as a where a.id > v_last order by a.id limit 500);
        exit when v_ids = '{}';
        update media.assets as a set object_id = null where a.id = any(v_ids) and a.key is not null and a.object_id is null;
        v_last := v_ids[cardinality(v_ids)];
        commit;
    end loop;
end;
$$;

do $$
declare
    v_last uuid := '00000000-0000-0000-0000-000000000000';
    v_ids uuid[];
begin
    loop
        v_ids := array(select r.id from media.variants as r where r.id > v_last order by r.id limit 500);
        exit when v_ids = '{}';
        update media.variants as r set object_id = null where r.id = any(v_ids) and r.object_id is null;
        v_last := v_ids[cardinality(v_ids)];
        commit;
    end loop;
end;
$$;
