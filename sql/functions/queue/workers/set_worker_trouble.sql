create or replace function queue.set_worker_trouble(p_worker_id text, p_trouble text, p_remedy text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if (p_trouble is null) <> (p_remedy is null) then
        raise exception 'trouble must come with a remedy, not %', coalesce(quote_literal(left(p_trouble, 80)), 'a remedy alone')
            using errcode = 'RQ008', hint = 'Both null: the worker is fit again.';
    end if;
    update queue.workers as w set trouble = left(p_trouble, 2000), remedy = left(p_remedy, 2000)  -- mutant: a worker's trouble of any length
    where w.worker_id = p_worker_id and (w.trouble, w.remedy) is distinct from (left(p_trouble, 2000), left(p_remedy, 2000));
end;
$$;

comment on function queue.set_worker_trouble(text, text, text) is $$
A worker tells what keeps its host from working, and what to do about it; null and null: nothing does any more. While it is in trouble it is given
no job, and queue.explain_job and queue.health name the host and the remedy. Each is cut at 2,000 characters.

Raises
  RQ008  one of them without the other
$$;
