create or replace function queue.requires_refusal(p_job_type text, p_where text default '')
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
select array[
    'RQ008',
    format(
        '%s%s_id of a %s must be that of %s, not null',
        p_where, t.requires, p_job_type, case t.requires when 'video' then 'a video' else 'an asset' end
    ),
    case t.requires
        when 'video' then 'Name the video it works on: video_id => ''…'', or reelq jobs enqueue … --video ID; reelq videos list shows them.'
        else 'Name what it works on: asset_id => ''…'', or video_id for a video''s.'
    end
]
from queue.job_types as t
where t.job_type = p_job_type and t.requires is not null;
$$;

comment on function queue.requires_refusal(text, text) is $$
Why a job of a type that requires a video or an asset is refused without: {SQLSTATE, message, hint} for whoever raises it (RQ008). Null: the type
requires nothing.

Arguments
  p_where  begins the sentence, as "spec 3: "
$$;
