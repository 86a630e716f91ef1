create or replace function queue.remedy_of_code(p_code text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case p_code
        when 'store_full' then 'Make room in the object store.'  -- mutant: a full store has no remedy
        when 'no_store_room' then 'Make room in the object store for an object of this size; smaller ones still fit.'
        when 'store_away' then 'See that the object store is up, or mounted, and is the one that it was: reelq doctor --only host'
        when 'store_busy' then 'The object store asks for less: look at its load and its limits.'
        when 'store_denied' then 'Give workers the right to put, get, list and delete in the object store: reelq doctor --only host'
        when 'store_refused' then 'Look at what the object store answers: reelq doctor --only host'
        when 'bucket_missing' then 'Make the bucket, or correct REELQ_STORE.'
        when 'other_store' then 'Give the workers of all hosts the same REELQ_STORE.'
        when 'disk_full' then 'Make room on the scratch disk of the worker''s host, or set REELQ_SCRATCH_QUOTA_BYTES.'
        when 'no_scratch_room' then 'Make room on the scratch disk of the worker''s host for a source of this size; smaller jobs go on.'
        when 'disk_failed' then 'Look at the scratch disk of the worker''s host: dmesg'
        when 'out_of_memory' then 'Give the worker''s host more memory, or fewer slots.'
        when 'no_ffmpeg' then 'Install ffmpeg on the worker''s host: reelq doctor --only host'
        when 'pool_exhausted' then 'Start that worker anew: threads of its job types keep its connections. docs/jobs.md says how many there are.'
        when 'worker_misconfigured' then 'Correct the settings of the worker''s host: reelq doctor --only host'
        when 'source_away' then 'See that the server of the source answers, from the worker''s host.'
        when 'source_broken' then 'See that the server of the source sends the whole file.'
        when 'name_unknown' then 'See that the worker''s host resolves the name of the source''s server.'
    end;
$$;

comment on function queue.remedy_of_code(text) is $$
What an operator does about an error of host, store or source, which is not the job's own and ends when somebody mends it; null for
every other code.
$$;
