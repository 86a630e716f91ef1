create or replace function queue.refuse_without(p_job_type text, p_where text default '')
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_requires text := (select t.requires from queue.job_types as t where t.job_type = p_job_type);
begin
    raise exception '%_id of a % must be that of %, not null', coalesce(p_where, '') || v_requires, p_job_type, case v_requires when 'video' then 'a video' else 'an asset' end
        using errcode = 'RQ008', hint = case v_requires
            when 'video' then 'Name the video it works on: video_id => ''…'', or reelq jobs enqueue … --video ID; reelq videos list shows them.'
            else 'Name what it works on: asset_id => ''…'', or video_id for a video''s.'
        end;
end;
$$;

comment on function queue.refuse_without(text, text) is $$
Refuse a job of a type that needs a video or an asset and has none (RQ008).

Arguments
  p_where  begins the sentence, as "spec 3: "
$$;
