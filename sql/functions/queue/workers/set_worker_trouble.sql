create or replace function queue.set_worker_trouble(p_worker_id text, p_trouble text, p_remedy text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_host text;
    v_pool text;
    v_before text;
    v_others boolean;
begin
    if (p_trouble is null) <> (p_remedy is null) then
        raise exception 'trouble must come with a remedy, not %', coalesce(quote_literal(left(p_trouble, 80)), 'a remedy alone')
            using errcode = 'RQ008', hint = 'Both null: the worker is fit again.';
    end if;
    -- All workers of the host, in one order: of two that find the same trouble at once one tells it.
    perform from queue.workers as w
    where w.status in ('active', 'draining') and w.host = (select me.host from queue.workers as me where me.worker_id = p_worker_id)
    order by w.worker_id
    for no key update;
    select w.host, w.pool, w.trouble into v_host, v_pool, v_before from queue.workers as w where w.worker_id = p_worker_id;
    update queue.workers as w set trouble = left(p_trouble, 2000), remedy = left(p_remedy, 2000)  -- mutant: a worker's trouble of any length
    where w.worker_id = p_worker_id and (w.trouble, w.remedy) is distinct from (left(p_trouble, 2000), left(p_remedy, 2000));
    if not found or (v_before is null) = (p_trouble is null) then
        return;
    end if;
    v_others := exists (
        select from queue.workers as w
        where w.host = v_host and w.worker_id <> p_worker_id and w.status in ('active', 'draining') and w.trouble is not null
    );
    if not v_others then  -- mutant: each worker of a host tells its trouble
        perform base.emit_event(
            case when p_trouble is null then 'host.recovered' else 'host.in_trouble' end, null, 'host:' || v_host,
            jsonb_build_object('host', v_host, 'pool', v_pool, 'worker_id', p_worker_id, 'trouble', left(coalesce(p_trouble, v_before), 500), 'remedy', left(p_remedy, 500))
        );
    end if;
end;
$$;

comment on function queue.set_worker_trouble(text, text, text) is $$
A worker tells what keeps its host from working, and what to do about it; null and null: nothing does any more. While it is in trouble it is given
no job, and queue.explain_job and queue.health name the host and the remedy. Each is cut at 2,000 characters.
Operators are told when the first worker of a host is in trouble (event host.in_trouble), and when none is any more (host.recovered).

Raises
  RQ008  one of them without the other
$$;
