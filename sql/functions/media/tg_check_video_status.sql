create or replace function media.tg_check_video_status()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if media.video_rank(new.status) > media.video_rank(old.status)
        or (new.status = 'failed' and old.status <> 'ready')
        or (old.status = 'failed' and new.status = 'pending') then
        return new;
    end if;

    -- Let an unknown status pass: the table's own check refuses it.
    if new.status <> 'failed' and media.video_rank(new.status) is null then
        return new;
    end if;

    raise exception 'status of video % must not go from % to %', old.id, old.status, new.status
        using errcode = 'RQ007', hint = 'It goes forward only; a failed one begins again with media.reopen_video.';
end;
$$;

comment on function media.tg_check_video_status() is $$
Trigger (before update, for each row) on media.videos: the status goes forward, to
failed from all but ready, or from failed back to pending. Whoever writes.

Raises
  RQ007  any other change
$$;

create or replace trigger check_status before update of status on media.videos
for each row when (old.status is distinct from new.status) execute function media.tg_check_video_status();
