create or replace function queue.check_reason(p_reason text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if length(p_reason) > 2000 then  -- mutant: a reason of any length
        raise exception 'reason must have at most 2000 characters, not %', length(p_reason)
            using errcode = 'RQ008', hint = 'One sentence for whoever finds it. It is kept with each job.';
    end if;
end;
$$;

comment on function queue.check_reason(text) is $$
Refuse a reason of more than 2,000 characters (RQ008), since it is written to each job that it is given for; null: none was given. What a
worker says is cut there instead, because its jobs have to be settled.
$$;
