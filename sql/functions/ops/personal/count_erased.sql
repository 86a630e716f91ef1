create or replace function ops.count_erased(p_erasure_id uuid, p_counts jsonb)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.erasures as e
    set counts = e.counts || (
        select coalesce(jsonb_object_agg(one.key, one.value::bigint + coalesce((e.counts ->> one.key)::bigint, 0)), '{}')
        from jsonb_each_text(p_counts) as one where one.value::bigint > 0
    )
    where e.id = p_erasure_id;
    return (select coalesce(sum(one.value::bigint), 0) from jsonb_each_text(p_counts) as one);
end;
$$;

comment on function ops.count_erased(uuid, jsonb) is $$
Add to the counts of an erasure, in the transaction that erases; return how many these were.

Arguments
  p_counts  JSON object: table → rows
$$;
