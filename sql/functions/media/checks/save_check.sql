create or replace function media.save_check(
    p_bucket text, p_from text, p_place text, p_listed bigint, p_strays bigint, p_missing bigint, p_altered bigint, p_example text, p_finished boolean
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_read_committed();
    perform base.check_operator();
    update media.store_checks as c
    set
        place = p_place, listed = c.listed + p_listed, strays = c.strays + p_strays, missing = c.missing + p_missing, altered = c.altered + p_altered,
        example = coalesce(c.example, p_example), finished_at = case when p_finished then base.clock() end
    where c.bucket = p_bucket and c.place is not distinct from p_from and c.finished_at is null;  -- mutant: two checks count for each other
    return found;
end;
$$;

comment on function media.save_check(text, text, text, bigint, bigint, bigint, bigint, text, boolean) is $$
Note how far a comparison has come. False: another one of the same store has moved on from there; then this one ends.

Arguments
  p_from      the place where this stretch began
  p_place     the last key of it
  p_listed … p_altered  what this stretch saw, to be added
  p_example   key of a stray object
  p_finished  whether that was all

Raises
  42501  the caller acts for a tenant
  RQ002  the caller is not READ COMMITTED
$$;
