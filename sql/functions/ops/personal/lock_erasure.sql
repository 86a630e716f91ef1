create or replace function ops.lock_erasure(p_erasure_id uuid)
returns ops.erasures
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_erasure ops.erasures;
begin
    perform base.check_read_committed();
    perform queue.check_sees_jobs();
    -- The one lock of an erasure comes before all others: two that erase the same user take turns.
    select e.* into v_erasure from ops.erasures as e
    where e.id = p_erasure_id and identity.may_see(e.tenant_id, e.user_id) and e.status <> 'requested'
    for update;
    if v_erasure.id is null then
        raise exception 'no erasure % that has begun', coalesce(p_erasure_id::text, 'null') using errcode = 'RQ004', hint = 'Begin it with ops.begin_erasure(user).';
    end if;
    return v_erasure;
end;
$$;

comment on function ops.lock_erasure(uuid) is $$
Lock an erasure that has begun, before anything of the user's.

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  none, or not one that the caller may see
  RQ011  the owner may not see the jobs, see queue.check_sees_jobs
$$;
