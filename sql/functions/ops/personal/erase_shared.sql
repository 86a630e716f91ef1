create or replace function ops.erase_shared(p_erasure_id uuid, p_user_id uuid, p_limit integer)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_videos uuid[];
    v_jobs uuid[];
    v_archived uuid[];
    v_counts jsonb;
    v_blanked bigint;
begin
    v_videos := array(
        select v.id
        from media.videos as v
        cross join lateral (select f.id, f.owner_user_id from media.assets as f where f.id = v.asset_id offset 0) as a
        where
            v.user_id = p_user_id
            and (
                (a.owner_user_id is not null and a.owner_user_id <> p_user_id)
                or exists (select from media.videos as o where o.asset_id = a.id and o.user_id is distinct from p_user_id)
            )
        limit p_limit
    );
    if v_videos <> '{}' then
        perform from media.videos as v where v.id = any(v_videos) order by v.id for update;
        v_jobs := array(select j.id from queue.processing_jobs as j where j.video_id = any(v_videos));
        v_archived := array(select h.id from queue.job_history as h where h.video_id = any(v_videos));
        v_counts := ops.count_jobs_of(v_jobs, v_archived);
        delete from media.videos as v where v.id = any(v_videos);
        return ops.count_erased(p_erasure_id, v_counts || jsonb_build_object('media.videos', cardinality(v_videos)));
    end if;
    -- The bytes stay for whose video they are; where they came from was this user's.
    with kept as materialized (
        select a.id
        from media.assets as a
        where
            a.owner_user_id = p_user_id
            and exists (select from media.videos as o where o.asset_id = a.id and o.user_id is distinct from p_user_id)
        order by a.id
        limit p_limit
        for no key update of a
    )
    update media.assets as a set owner_user_id = null, source_url = null, original_filename = null from kept as k where a.id = k.id;
    get diagnostics v_blanked = row_count;
    return ops.count_erased(p_erasure_id, jsonb_build_object('media.assets blanked', v_blanked));
end;
$$;

comment on function ops.erase_shared(uuid, uuid, integer) is $$
Of files that somebody else has a share in: delete the user's videos about them, and blank where the files came from. Returns how many rows that were; 0: no more.
$$;
