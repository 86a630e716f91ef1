create or replace function ops.rotate_webhook_secret(p_webhook_id uuid, p_secret_id uuid, p_sealed bytea, p_overlap interval default '1 day')
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
    v_ends timestamptz;
begin
    if p_overlap is null or p_overlap not between interval '0' and interval '30 days' then
        raise exception 'overlap must be 0 to 30 days, not %', coalesce(p_overlap::text, 'null')
            using errcode = 'RQ008', hint = '0: the old secret is not good any more, at once.';
    end if;
    perform base.check_sealed(p_sealed);
    v_ends := base.clock() + p_overlap;
    -- Each secret is a signature more in a header; two at once are enough for whoever changes them one by one.
    delete from ops.webhook_secrets as s where s.webhook_id = v_webhook.id and s.ends_at is not null;
    update ops.webhook_secrets as s set ends_at = v_ends where s.webhook_id = v_webhook.id;
    insert into ops.webhook_secrets (id, webhook_id, secret) values (p_secret_id, v_webhook.id, p_sealed);
    perform base.record_act('webhook.secret_rotated', 'webhook', v_webhook.id::text, null, null, v_webhook.tenant_id, jsonb_build_object('overlap', p_overlap));
    return v_ends;
exception
    when unique_violation or not_null_violation then
        raise exception 'secret must be new and given' using errcode = 'RQ008', hint = 'reelq webhooks rotate-secret makes it.';
end;
$$;

comment on function ops.rotate_webhook_secret(uuid, uuid, bytea, interval) is $$
Put a new secret in the place of an endpoint's. While the overlap lasts, deliveries bear a signature by each of the two. One that was on its way out already
ends now. Returns when the old one ends.

Arguments
  p_secret_id, p_sealed  as of ops.create_webhook
  p_overlap              0 to 30 days

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such endpoint, or not one that the caller may see
  RQ008  an overlap or secret that cannot be
  RQ016  the user is no admin of the tenant, or the key has no scope admin
  RQ017  sealed under another key than the current one
$$;
