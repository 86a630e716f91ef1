create or replace function ops.webhook_target(p_webhook_id uuid)
returns table (
    tenant_id uuid, url text, status text, is_held boolean, failures integer, expires_after interval, read_at timestamptz, secret_ids uuid[], secrets bytea[]
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform base.check_operator();
    return query
    select
        w.tenant_id, w.url, w.status, exists (select from queue.pauses as p where p.scope = 'channel' and p.key = w.id::text), w.failures,
        queue.setting('webhook_expires_after')::interval, base.clock(), array_agg(s.id order by s.ends_at desc nulls first), array_agg(s.secret order by s.ends_at desc nulls first)
    from ops.webhooks as w
    inner join ops.webhook_secrets as s on s.webhook_id = w.id and (s.ends_at is null or s.ends_at > base.clock())  -- mutant: a secret that has ended signs
    where w.id = p_webhook_id
    group by w.id;
end;
$$;

comment on function ops.webhook_target(uuid) is $$
What a worker needs to deliver to an endpoint: where, whether it may, and the sealed secrets that are good now, the current one first. No row: it is gone. is_held: its channel is paused. read_at: the database's time.

Raises
  42501  the caller is no operator or worker
$$;
