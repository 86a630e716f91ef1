create or replace function ops.create_webhook(
    p_url text,
    p_secret_id uuid,
    p_sealed bytea,
    p_events text[] default '{*}',
    p_tenant text default null,
    p_description text default '',
    p_for_operators boolean default false
)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most constant integer := 50;
    v_tenant uuid;
    v_id uuid;
    v_no text[];
begin
    perform base.check_read_committed();
    if p_for_operators then
        perform base.check_operator();
        perform from queue.locks as l where l.name = 'events' for no key update;
    else
        v_tenant := identity.named_tenant(p_tenant);
        perform from identity.tenants as t where t.id = v_tenant for no key update;  -- mutant: of two at once one is too many
    end if;
    perform identity.check_tenant_admin();
    perform base.check_sealed(p_sealed);
    v_no := ops.webhook_refusal(p_url, p_events, p_description);
    if v_no is not null then
        raise exception '%', v_no[1] using errcode = 'RQ008', hint = v_no[2];
    end if;
    if (select count(*) from ops.webhooks as w where w.tenant_id is not distinct from v_tenant) >= v_most then
        raise exception 'a tenant must have % webhooks at most', v_most using errcode = 'RQ009', hint = 'Delete those that are not used: reelq webhooks list.';
    end if;
    insert into ops.webhooks (tenant_id, url, events, description) values (v_tenant, p_url, p_events, coalesce(p_description, '')) returning id into v_id;
    insert into ops.webhook_secrets (id, webhook_id, secret) values (p_secret_id, v_id, p_sealed);
    return v_id;
exception
    when unique_violation or not_null_violation then
        raise exception 'secret must be new and given' using errcode = 'RQ008', hint = 'reelq webhooks create makes it; see docs/events.md.';
end;
$$;

comment on function ops.create_webhook(text, uuid, bytea, text[], text, text, boolean) is $$
Make an endpoint. Returns its id. Its secret is made and sealed by the caller, so that no key is ever in the database: reelq webhooks create, or
reelq.worker.webhooks.secrets from Python.

Arguments
  p_url            http or https, without user and password
  p_secret_id      an id of the caller's, which p_sealed was sealed for (table ops.webhook_secrets, column secret)
  p_sealed         the envelope of the whsec_ secret
  p_events         names of ops.event_types, video.* for all that begin so, * for all
  p_tenant         slug or id; null: the tenant of reelq.tenant_id, else "default"
  p_description    what people call it
  p_for_operators  of no tenant: it gets the events that concern the operators. For operators

Raises
  RQ002  the caller is not READ COMMITTED
  42501  p_for_operators, and the caller is no operator
  RQ004  no such tenant, or not the caller's
  RQ008  a URL, filter or secret that cannot be
  RQ009  the tenant has 50
  RQ016  the user is no admin of the tenant, or the key has no scope admin
  RQ017  sealed under another key than the current one
$$;
