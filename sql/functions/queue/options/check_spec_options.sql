create or replace function queue.check_spec_options(p_specs jsonb, p_known uuid[])
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_spec record;
    v_no text[];
begin
    for v_spec in
        select s.n, s.spec, t.job_type, t.options_schema, t.requires
        from jsonb_array_elements(p_specs) with ordinality as s (spec, n)
        inner join queue.job_types as t on t.job_type = s.spec ->> 'job_type'
        where p_known[s.n] is null and coalesce(jsonb_typeof(s.spec -> 'job_data'), 'object') = 'object'
            and (t.requires is not null or (t.options_schema is not null and (coalesce(s.spec -> 'job_data', '{}') @@ t.options_path) is not true))
        order by s.n
    loop
        v_no := queue.options_refusal(v_spec.job_type, v_spec.options_schema, coalesce(v_spec.spec -> 'job_data', '{}'), p_where => format('spec %s: ', v_spec.n));
        if v_spec.requires is not null and v_spec.spec ->> 'video_id' is null and (v_spec.requires = 'video' or v_spec.spec ->> 'asset_id' is null) then
            v_no := queue.requires_refusal(v_spec.job_type, format('spec %s: ', v_spec.n));
        end if;
        if v_no is not null then
            raise exception '%', v_no[2] using errcode = v_no[1], hint = v_no[3];
        end if;
    end loop;
end;
$$;

comment on function queue.check_spec_options(jsonb, uuid[]) is $$
Of specs of queue.enqueue_jobs that were refused, refuse the first one whose options or whose missing video is to blame, by its place
(RQ008). Those that are known by their idempotency key are passed over.
$$;
