create or replace function media.touch_objects(p_object_ids uuid[])
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_count bigint;
begin
    -- Who else is at one of them says the same of it: nobody waits.
    with due as materialized (
        select o.id
        from media.objects as o
        where o.id = any(p_object_ids) and o.last_used_at < v_now - interval '1 day'
        for no key update skip locked
    )
    update media.objects as o set last_used_at = v_now from due as d where o.id = d.id;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function media.touch_objects(uuid[]) is $$
These objects were read or referred to. Writes at most once a day for each, so that it may be called at every read. Returns how many were written. For workers and operators; who reads asks media.open_variant.
$$;
