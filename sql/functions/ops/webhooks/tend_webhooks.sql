create or replace function ops.tend_webhooks()
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
    v_count integer := 0;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    delete from ops.webhook_secrets as s where s.ends_at < base.clock();
    for v_id in
        select w.id from ops.webhooks as w where w.failing_since is not null and w.status = 'active' order by w.id for no key update skip locked
    loop
        v_count := v_count + ops.start_probe(v_id)::integer;  -- mutant: a probe that was cancelled is not started again
    end loop;
    return v_count;
end;
$$;

comment on function ops.tend_webhooks() is $$
Upkeep of endpoints: a failing one that nothing asks any more is asked again, and secrets that have ended go. Workers call it every minute. Returns how
many probes were started.

Raises
  42501  the caller is no operator or worker
  RQ002  the caller is not READ COMMITTED
$$;
