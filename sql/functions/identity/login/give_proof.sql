create or replace function identity.give_proof(p_attempt uuid, p_proof bytea)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- What has no length of SHA-256 is wrong, and is a try all the same.
    update identity.login_attempts as a
    set
        proof = coalesce(case when octet_length(p_proof) = 32 then p_proof end, ''),
        shown_in = pg_current_xact_id()
    where a.id = p_attempt and a.step = 'password' and a.proof is null;  -- mutant: an attempt takes many proofs
end;
$$;

comment on function identity.give_proof(uuid, bytea) is $$
The second step of a log-in: give the proof of what was typed, once. It says nothing, and finish_login judges it in a later transaction, so that a
rollback there brings no second guess.

Arguments
  p_attempt  from identity.begin_login
  p_proof    SHA-256 of the password's hash, made by the recipe; compared in the database, so that no hash leaves it
$$;
