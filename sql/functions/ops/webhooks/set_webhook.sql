create or replace function ops.set_webhook(p_webhook_id uuid, p_changes jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook ops.webhooks := ops.lock_webhook(p_webhook_id);
    v_known constant text[] := '{url,events,description,max_running}';
    v_limit text := 'name:webhook.' || p_webhook_id;
    v_key text;
    v_no text[];
begin
    if jsonb_typeof(p_changes) is distinct from 'object' then
        raise exception 'changes must be a JSON object, not %', coalesce(jsonb_typeof(p_changes), 'null')
            using errcode = 'RQ008', hint = 'Such as {"events": ["video.*"]}; what is left out stays as it is.';
    end if;
    select k.key into v_key from jsonb_object_keys(p_changes) as k (key) where k.key <> all(v_known) limit 1;
    if found then
        raise exception 'a webhook has no %', quote_literal(left(v_key, 80)) using errcode = 'RQ008', hint = 'Known: ' || array_to_string(v_known, ', ');
    end if;
    begin
        v_webhook := jsonb_populate_record(v_webhook, p_changes);
    exception
        when data_exception then
            v_no := array['changes must be of the right kinds', 'url and description are texts, events a list of texts, max_running a number or null.'];
    end;
    v_no := coalesce(v_no, ops.webhook_refusal(v_webhook.url, v_webhook.events, v_webhook.description));
    if v_webhook.max_running < 1 then
        v_no := array[format('max_running must be 1 or more, not %s', v_webhook.max_running), 'null: no limit.'];
    end if;
    if v_no is not null then
        raise exception '%', v_no[1] using errcode = 'RQ008', hint = v_no[2];
    end if;
    if p_changes ? 'max_running' then
        perform base.check_operator();
        if v_webhook.max_running is not null then
            perform queue.set_limit(v_limit, v_webhook.max_running);
        elsif exists (select from queue.limits as l where l.limit_key = v_limit) then
            perform queue.drop_limit(v_limit);
        end if;
    end if;
    update ops.webhooks as w
    set url = v_webhook.url, events = v_webhook.events, description = coalesce(v_webhook.description, ''), max_running = v_webhook.max_running
    where w.id = p_webhook_id;
end;
$$;

comment on function ops.set_webhook(uuid, jsonb) is $$
Change an endpoint; what is left out stays as it is. Deliveries that wait go to the new URL; the filter is that of the moment of the event.
  select ops.set_webhook(id, '{"events": ["video.ready", "job.*"]}');

Arguments
  p_changes  url, events, description; of operators max_running, which holds for deliveries that are enqueued from then on

Raises
  RQ002  the caller is not READ COMMITTED
  42501  max_running, and the caller is no operator
  RQ004  no such endpoint, or not one that the caller may see
  RQ008  an unknown key, or a value that cannot be
  RQ016  the user is no admin of the tenant, or the key has no scope admin
$$;
