-- back: nothing to go back: the function of this version, or of the one before, is made again
-- It returns a column more than that of 0.1.0, and a function cannot be replaced by one that returns something else.
do $$
begin
    if pg_get_function_result(to_regprocedure('queue.explain_limits(queue.processing_jobs)')) not like '%is_turn%' then
        drop function queue.explain_limits(queue.processing_jobs);
    end if;
end;
$$;
