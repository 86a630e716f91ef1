create or replace function ops.forget_messages(p_limit integer default 1000)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_count integer;
begin
    delete from ops.inbox as i
    where i.id = any(array(
        select o.id from ops.inbox as o
        where o.created_at < base.clock() - interval '30 days'
        order by o.created_at limit p_limit for update skip locked
    ));
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;

comment on function ops.forget_messages(integer) is $$
Forget messages that were received more than 30 days ago. For ops.purge_notifications. Senders of webhooks try for some days, and what bears an older time is refused by
its signature (reelq.webhooks): a message that is forgotten comes no more.

Arguments
  p_limit  so many at most

Returns how many went.
$$;
