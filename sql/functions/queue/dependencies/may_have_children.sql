create or replace function queue.may_have_children(p_job_ids uuid[])
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_first constant uuid := p_job_ids[1];
    v_last constant uuid := p_job_ids[cardinality(p_job_ids)];
begin
    -- The first 48 bits of an id are its time in milliseconds. Where ids lie ten minutes apart, a look at what is between them may meet many
    -- dead edges, and looking each up is cheaper.
    if cardinality(p_job_ids) < 16
        or ('x' || translate(left(v_last::text, 13), '-', ''))::bit(48)::bigint - ('x' || translate(left(v_first::text, 13), '-', ''))::bit(48)::bigint > 600000 then
        return true;
    end if;
    return exists (select from queue.job_dependencies as d where d.parent_id between v_first and v_last);  -- mutant: children of a batch are not seen
end;
$$;

comment on function queue.may_have_children(uuid[]) is $$
Whether any job may wait for one of these: false where one look at the edges tells that there is none for any of a batch, as with small jobs that
nobody waits for. True for few jobs, and for ids that are more than ten minutes apart. For callers that look up each job otherwise.

Arguments
  p_job_ids  in ascending order
$$;
