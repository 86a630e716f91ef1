create or replace function ops.note_webhook_success(p_webhook_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_failing timestamptz;
begin
    perform base.check_operator();
    perform base.check_read_committed();
    -- Waits for nobody, as ops.note_webhook_failure: the next delivery says it again.
    select w.failing_since into v_failing from ops.webhooks as w where w.id = p_webhook_id for no key update skip locked;  -- mutant: a tenant's transaction holds slots that are well
    if not found then
        return;
    end if;
    update ops.webhooks as w
    set failures = 0, failing_since = null, last_error = null, last_success_at = base.clock()
    where w.id = p_webhook_id;
    if v_failing is not null then
        perform ops.hold_webhook(p_webhook_id, false);
    end if;
end;
$$;

comment on function ops.note_webhook_success(uuid) is $$
A delivery arrived; for workers, after failures and else once a minute and endpoint: it is well, and nothing is held.

Raises
  42501  the caller is no operator or worker
  RQ002  the caller is not READ COMMITTED
$$;
