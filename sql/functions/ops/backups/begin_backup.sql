create or replace function ops.begin_backup(p_bucket text, p_suffix text, p_program text, p_key_fingerprints text[] default '{}')
returns table (id uuid, key text, store_mark text, began_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := base.clock();
    v_id uuid := base.uuid_v7();
    v_other record;
begin
    perform base.check_read_committed();
    perform queue.take_lock('backup', null, true);
    for v_other in select b.id, b.began_at, b.seen_at from ops.backups as b where b.status = 'running' loop
        if v_other.seen_at > v_now - ops.backup_silence() then  -- mutant: two backups at once
            raise exception 'another backup is running since %', v_other.began_at
                using errcode = 'RQ009', hint = format('Wait for it: reelq backup list. If its program was killed, it is given up %s after it was last seen.', base.format_interval(ops.backup_silence()));
        end if;
        perform ops.fail_backup(v_other.id, 'killed', 'Its program was killed, or could not reach the database any more.');
    end loop;
    return query
    insert into ops.backups as b (id, bucket, key, key_fingerprints, reelq_version, postgres_version, began_at, seen_at)
    values (
        v_id, p_bucket, to_char(v_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24-MI-SS"Z"') || '-' || v_id || '/' || p_suffix,
        p_key_fingerprints, p_program, current_setting('server_version_num')::integer, v_now, v_now
    )
    returning
        b.id, b.key,
        (select o.store_mark from ops.backups as o where o.bucket = p_bucket and o.store_mark is not null order by o.began_at desc, o.id desc limit 1),
        b.began_at;
    perform base.record_act('backup.created', 'backup', v_id::text, null, jsonb_build_object('bucket', p_bucket, 'encrypted', cardinality(p_key_fingerprints) > 0));
end;
$$;

comment on function ops.begin_backup(text, text, text, text[]) is $$
Begin a backup, for the owner: one at a time. One whose program has not been seen for ops.backup_silence() was killed, and is told so.

Arguments
  p_bucket            the store, as file:///folder or s3://bucket/prefix
  p_suffix            what the dump is called below the folder of the backup
  p_program           version of the program
  p_key_fingerprints  of the recipients that it is encrypted for; empty: it is not

Returns
  store_mark  the mark that this store has to show; null: nothing was written to it before

Raises
  RQ002  the caller is not READ COMMITTED
  RQ009  another one is running
$$;
