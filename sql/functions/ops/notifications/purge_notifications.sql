create or replace function ops.purge_notifications(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_count integer;
    v_more integer;
begin
    perform base.check_operator();
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception 'p_limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'Call it again until it returns 0.';
    end if;
    delete from ops.notifications as n
    where n.id = any(array(
        select o.id from ops.notifications as o where o.expires_at < base.clock() order by o.expires_at limit p_limit for update skip locked
    ));
    get diagnostics v_count = row_count;
    v_count := v_count + ops.forget_messages(p_limit);
    delete from ops.token_mails as m
    where m.id = any(array(
        select o.id from ops.token_mails as o where o.created_at < base.clock() - interval '1 day' order by o.created_at limit p_limit for update skip locked
    ));
    get diagnostics v_more = row_count;
    return v_count + v_more;
end;
$$;

comment on function ops.purge_notifications(integer) is $$
Remove notifications that have expired, and messages of the inbox that were received more than 30 days ago (ops.forget_messages), and what
ops.token_mails has had for a day. Waits for nobody. For a timer.
Returns how many rows went; 0: nothing is left.

Arguments
  p_limit  at most so many of each kind, 1 to 10000

Raises
  RQ008  p_limit is none
  42501  the caller acts for a tenant
$$;
