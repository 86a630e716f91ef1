create or replace function ops.receive_message(p_source text, p_message_id text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant_id uuid := base.current_tenant();
begin
    if not base.may_act_for(v_tenant_id) then
        raise exception 'reelq.tenant_id must be set: it says for which tenant you act'
            using errcode = 'RQ004', hint = 'select set_config(''reelq.tenant_id'', …, true) in the transaction, with the id of your tenant.';
    end if;
    perform identity.check_may_write();  -- mutant: a viewer takes messages away
    if (length(p_source) between 1 and 100 and length(p_message_id) between 1 and 255) is not true then
        raise exception 'source must have 1 to 100 characters and message_id 1 to 255, not % and %',
            coalesce(length(p_source)::text, 'null'), coalesce(length(p_message_id)::text, 'null')
            using errcode = 'RQ008', hint = 'The id is the sender''s, as the header webhook-id.';
    end if;
    -- Of two at once the second waits here: for the first to commit, then it is false; or to roll back, then it is true.
    insert into ops.inbox (tenant_id, source, message_id) values (v_tenant_id, p_source, p_message_id)
    on conflict (tenant_id, source, message_id) do nothing;
    return found;
end;
$$;

comment on function ops.receive_message(text, text) is $$
A message from outside is here: whether it is the first time. Call it in the transaction of its effect, before the effect, and go on only when it is
true: effect and row are committed together or not at all, so that a message that comes again, at once or after a crash, has its effect once.
It is remembered for 30 days (ops.forget_messages); do not take older ones. Each tenant has messages of its own.

Arguments
  p_source      who sends, in your own word, as payments; ids of two senders may be alike
  p_message_id  the sender's id of it, the same however often it comes

Raises
  RQ004  an application names no tenant
  RQ008  source or id is empty or too long
  RQ016  the user's role, or the key's scope, does not allow it
$$;
