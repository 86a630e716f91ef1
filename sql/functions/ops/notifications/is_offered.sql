create or replace function ops.is_offered(p_capability text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (select from queue.workers as w where p_capability = any(w.capabilities) and w.last_beat_at > base.clock() - interval '1 day');
$$;

comment on function ops.is_offered(text) is $$
Whether some worker of the last day offers this: smtp (it has REELQ_SMTP_HOST), web_push (it has REELQ_VAPID_PRIVATE_KEY). Mails and pushes are enqueued only then: where
nobody sends them they would pile up, and where a host comes back after an hour none is lost.
$$;
