create or replace function ops.disable_webhook(p_webhook_id uuid, p_reason text default 'by hand')
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
begin
    if p_reason is null or p_reason !~ '[^[:space:]]' or length(p_reason) > 500 or p_reason ~ '[[:cntrl:]]' then
        raise exception 'reason must be one line of 1 to 500 characters' using errcode = 'RQ008', hint = 'Leave it out for: by hand.';
    end if;
    if v_webhook.status = 'disabled' then
        return false;
    end if;
    update ops.webhooks as w set status = 'disabled', status_reason = p_reason where w.id = v_webhook.id;
    perform ops.hold_webhook(v_webhook.id, false);
    return true;
end;
$$;

comment on function ops.disable_webhook(uuid, text) is $$
Switch an endpoint off: no event is enqueued for it any more, and what waits ends as webhook_disabled when its turn comes. Returns whether it was on.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ008  a reason that cannot be
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
