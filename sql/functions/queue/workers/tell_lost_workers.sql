create or replace function queue.tell_lost_workers(p_worker_ids text[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_worker record;
begin
    for v_worker in select w.worker_id, w.host, w.pool, w.last_beat_at from queue.workers as w where w.worker_id = any(p_worker_ids) order by w.worker_id loop
        perform base.emit_event(
            'worker.lost', null, 'host:' || v_worker.host,
            jsonb_build_object('worker_id', v_worker.worker_id, 'host', v_worker.host, 'pool', v_worker.pool, 'last_beat_at', v_worker.last_beat_at)
        );
    end loop;
end;
$$;

comment on function queue.tell_lost_workers(text[]) is $$
Tell operators that workers are lost (event worker.lost). The caller has just marked them, and holds their rows.
$$;
