create or replace function ops.list_erasures(p_status text default null, p_limit integer default 50)
returns setof ops.erasures
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_status is not null and p_status not in ('requested', 'running', 'completed', 'open') then
        raise exception 'status must be requested, running, completed or open (the first two), not %', quote_literal(p_status)
            using errcode = 'RQ008', hint = 'Leave it out for all of them.';
    end if;
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'limit must be 1 to 1000, not %', coalesce(p_limit::text, 'null') using errcode = 'RQ008', hint = 'Take the next ones by their status.';
    end if;
    return query
    select e.* from ops.erasures as e
    where
        (p_status is null or e.status = p_status or (p_status = 'open' and e.status <> 'completed'))
        and identity.may_see(e.tenant_id, e.user_id)
    order by e.id desc
    limit p_limit;
end;
$$;

comment on function ops.list_erasures(text, integer) is $$
Erasures that were asked for, are under way or done, newest first: certificates, when they are done.

Arguments
  p_status  requested, running, completed, or open: not completed; null: all
  p_limit   at most so many, 1 to 1000

Raises
  RQ008  unknown status, or a bad limit
$$;
