create or replace function queue.set_pipeline(p_name text, p_steps jsonb, p_description text default null)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_most constant integer := 100;
    v_known boolean;
    v_same boolean;
    v_now timestamptz := base.clock();
begin
    perform base.check_read_committed();
    perform base.check_operator();
    if p_name is null or p_name !~ '^[a-z][a-z0-9_-]{0,62}$' then
        raise exception 'name of a pipeline must be a word of a-z, 0-9, _ and - that begins with a letter, not %', coalesce(quote_literal(left(p_name, 80)), 'null')
            using errcode = 'RQ008', hint = 'Such as archive or social-clips.';
    end if;
    if jsonb_typeof(p_steps) is distinct from 'array' or p_steps = '[]' then
        raise exception 'steps must be a JSON array of one step or more, not %',
            case when p_steps = '[]' then 'an empty one' else coalesce(jsonb_typeof(p_steps), 'null') end
            using errcode = 'RQ008', hint = '[{"step": "download", "job_type": "download_video"}, {"step": "probe", "job_type": "extract_metadata", "after": ["download"]}]';
    elsif jsonb_array_length(p_steps) > v_most then
        raise exception 'a pipeline must have at most % steps, not %', v_most, jsonb_array_length(p_steps)
            using errcode = 'RQ008', hint = 'Let one of its jobs fan out: queue.spawn_jobs.';
    end if;
    perform queue.check_pipeline_step(p_steps, s.place::integer) from jsonb_array_elements(p_steps) with ordinality as s (step, place);

    -- One writer of a pipeline at a time: the second waits here, and judges what the first has left.
    insert into queue.pipelines as p (name, description) values (p_name, coalesce(p_description, p_name))
    on conflict (name) do nothing;
    v_known := not found;
    perform from queue.pipelines as p where p.name = p_name for no key update;  -- mutant: two definitions of a pipeline are mixed
    v_same := v_known and not exists (
        (
            select s.step, s.job_type, s.after, s.on_parent_failure, s.priority::integer, s.job_data from queue.pipeline_steps as s where s.pipeline = p_name
            except select n.step, n.job_type, n.after, n.on_parent_failure, n.priority, n.job_data from queue.pipeline_steps_of(p_steps) as n
        )
        union all (
            select n.step, n.job_type, n.after, n.on_parent_failure, n.priority, n.job_data from queue.pipeline_steps_of(p_steps) as n
            except select s.step, s.job_type, s.after, s.on_parent_failure, s.priority::integer, s.job_data from queue.pipeline_steps as s where s.pipeline = p_name
        )
    ) and exists (
        select from queue.pipelines as p where p.name = p_name and p.description = coalesce(p_description, p.description)
    );
    if v_same then
        return 'unchanged';
    end if;
    -- Steps that stay as they are are left alone, so that the audit tells what has changed.
    delete from queue.pipeline_steps as s
    where s.pipeline = p_name and s.step <> all(array(select n.step from queue.pipeline_steps_of(p_steps) as n));
    insert into queue.pipeline_steps as s (pipeline, step, job_type, after, on_parent_failure, priority, job_data)
    select p_name, n.step, n.job_type, n.after, n.on_parent_failure, n.priority, n.job_data from queue.pipeline_steps_of(p_steps) as n
    on conflict (pipeline, step) do update
    set
        job_type = excluded.job_type, after = excluded.after, on_parent_failure = excluded.on_parent_failure, priority = excluded.priority,
        job_data = excluded.job_data
    where
        (s.job_type, s.after, s.on_parent_failure, s.priority, s.job_data)
        is distinct from (excluded.job_type, excluded.after, excluded.on_parent_failure, excluded.priority, excluded.job_data);
    -- At once, so that whoever calls is told and not whoever commits.
    perform queue.pipeline_order(p_name);
    if not v_known then
        return 'made';
    end if;
    update queue.pipelines as p set description = coalesce(p_description, p.description), updated_at = v_now where p.name = p_name;
    return 'replaced';
end;
$$;

comment on function queue.set_pipeline(text, jsonb, text) is $$
Make a pipeline, or put other steps in the place of those that the one of that name has. Returns made, replaced or unchanged. Runs that
have been enqueued go on as they are.
  select queue.set_pipeline('poster-only', '[{"step": "download", "job_type": "download_video"},
      {"step": "poster", "job_type": "generate_thumbnail", "after": ["download"]}]');

Arguments
  p_steps        [{"step", "job_type", "after": ["<step>"], "on_parent_failure": "fail|cancel|run", "priority", "job_data": {…}}];
                 step and job_type are needed, the others are as of the columns of queue.pipeline_steps; at most 100
  p_description  one sentence for people; null: the one that it has, else its name

Raises
  42501  the caller is no operator
  RQ002  the caller is not READ COMMITTED
  RQ003  a step is of no known job type
  RQ005  a step waits for one that does not exist
  RQ006  steps wait for one another
  RQ008  anything else that is wrong with a name or a step, which the message names
$$;
