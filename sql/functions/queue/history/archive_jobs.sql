create or replace function queue.archive_jobs(p_limit integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
    v_last constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    v_now timestamptz := base.clock();
    v_done_before timestamptz := v_now - queue.setting('archive_after')::interval;
    v_failed_before timestamptz := v_now - queue.setting('archive_failed_after')::interval;
    -- Ids contain their time: a job above v_young was enqueued too late to have been over for long enough. Ids above v_strange were not
    -- made by base.uuid_v7 and say nothing about time, so those jobs are looked at as well.
    v_young uuid := base.uuid_v7_from(greatest(v_done_before, v_failed_before));
    v_strange uuid := base.uuid_v7_from(v_now + interval '1 day');
    v_place uuid;
    v_top uuid;
    v_seen integer;
    v_end uuid;
    v_over uuid[];
    v_batch integer := 0;
    v_moved integer := 0;
begin
    perform base.check_read_committed();
    if p_limit not between 1 and 10000 or p_limit is null then
        raise exception 'limit must be 1 to 10000, not %', coalesce(p_limit::text, 'null')
            using errcode = 'RQ008', hint = 'The default is 1000: small transactions, called again and again.';
    end if;
    if not pg_try_advisory_xact_lock(hashtext('reelq.archive_jobs')) then
        return 0;
    end if;
    select coalesce(u.place::uuid, '00000000-0000-0000-0000-000000000000') into v_place
    from queue.upkeep as u where u.task = 'archive';

    -- Stop after 100 steps of 1,000 jobs, so that the transaction stays short even when none of them is over.
    for v_step in 1..100 loop
        if v_place >= v_young and v_place < v_strange then
            v_place := v_strange;
        end if;
        v_top := case when v_place < v_young then v_young else v_last end;
        select
            count(*), (array_agg(c.id order by c.id desc))[1],
            array_agg(c.id order by c.id) filter (
                where c.status in ('completed', 'cancelled') and c.completed_at < v_done_before
                or c.status = 'failed' and c.completed_at < v_failed_before
            )
        into v_seen, v_end, v_over
        from (
            select j.id, j.status, j.completed_at
            from queue.processing_jobs as j
            where j.id > v_place and j.id < v_top
            order by j.id
            limit 1000
        ) as c;
        if v_over is not null then
            if cardinality(v_over) > p_limit - v_moved then
                v_over := v_over[1:p_limit - v_moved];
                v_end := v_over[cardinality(v_over)];
                v_seen := 1000;
            end if;
            v_batch := queue.move_to_history(v_over, v_done_before, v_failed_before);
            exit when v_batch is null;
            v_moved := v_moved + v_batch;
        end if;
        v_place := case when v_seen = 1000 then v_end else v_top end;
        exit when v_moved >= p_limit or v_place = v_last;
    end loop;

    -- At the end of the table keep the place for one more call: that one finds nothing, returns 0 and starts again.
    update queue.upkeep as u
    set last_run_at = v_now, place = case when v_moved > 0 or v_place <> v_last then v_place::text end
    where u.task = 'archive';
    return case when v_moved > 0 or v_place = v_last or v_batch is null then v_moved end;
end;
$$;

comment on function queue.archive_jobs(integer) is $$
Move up to p_limit jobs that have been over for long (settings archive_after, archive_failed_after) to the history,
with their attempts, edges and dead letters. One small transaction that waits for nobody: jobs that somebody
has locked are passed over; one caller at a time, the others return 0. A job stays while another that has not gone yet needs
it: an unfinished child, or children that a retry would revive with it.

Returns how many moved. Call it until it returns 0: the walk over the table has come to its end, and the next call
begins a new one (or a month's partition is missing and cannot be made just now, and the next call goes on). Null: none among the 100,000 jobs that were looked at; call it again.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  a limit that is not 1 to 10000
$$;
