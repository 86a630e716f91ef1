create or replace function ops.backups_to_prune(p_bucket text, p_keep interval)
returns table (id uuid, key text, status text, began_at timestamptz)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_keep is null or p_keep < interval '0' then
        raise exception 'keep must be a time from 0 on, not %', coalesce(p_keep::text, 'null') using errcode = 'RQ008', hint = '30 days is usual.';
    end if;
    return query
    select b.id, b.key, b.status, b.began_at
    from ops.backups as b
    where
        b.bucket = p_bucket and b.pruned_at is null
        and (
            b.status = 'failed'
            or (b.status = 'running' and b.seen_at <= base.clock() - ops.backup_silence())
            or (b.status = 'completed' and b.began_at < base.clock() - p_keep)
        )
        -- What one would restore today: the last one, and the last one of which it is known that it restores.
        and b.id is distinct from (
            select v.id from ops.backups as v
            where v.status = 'completed' and v.pruned_at is null and v.verify_failed_at is null and v.verified_at is not null  -- mutant: the last verified backup is pruned
            order by v.began_at desc, v.id desc limit 1
        )
        and b.id is distinct from (
            select v.id from ops.backups as v
            where v.status = 'completed' and v.pruned_at is null
            -- One that is damaged only where none is whole: part of it may still be saved, and nothing else is there.
            order by v.verify_failed_at is null desc, v.began_at desc, v.id desc limit 1  -- mutant: a damaged backup counts as the last one
        )
    order by b.began_at, b.id;
end;
$$;

comment on function ops.backups_to_prune(text, interval) is $$
The backups of a store whose bytes may go, oldest first: those that failed or were killed, and those that are older than p_keep. Never the newest one that was
verified, nor the newest one of which no damage is known, nor the newest of all where each is damaged.

Raises
  RQ008  p_keep is missing or negative
$$;
