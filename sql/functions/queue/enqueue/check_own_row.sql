create or replace function queue.check_own_row(p_tenant_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not base.may_act_for(p_tenant_id) then
        raise exception 'tenant must be your own, not %', coalesce(p_tenant_id::text, 'null')
            using errcode = 'RQ004', hint = 'Set reelq.tenant_id to your own tenant.';
    end if;
    perform identity.check_may_write();  -- mutant: a plain INSERT by a key without write is refused without words
    return true;
end;
$$;

comment on function queue.check_own_row(uuid) is $$
Refuse an application's plain INSERT of a job that is another tenant's or nobody's, or that a viewer or a key without the scope write gives, as
queue.enqueue_job does: in words. Row security itself says neither why nor what to do. A policy and no trigger, since policies cost nothing where the owner inserts, as all our functions do.

Raises
  RQ004  a tenant for which the caller may not act
  RQ016  the user is a viewer, or the key has no scope write
$$;

-- Either this or tenant_sees_its_own lets a row in, and both the same rows: whichever is asked first, what neither lets in is refused here.
drop policy if exists refuses_in_words on queue.processing_jobs;
-- A viewer's row, and that of a key without write, tenant_sees_its_own lets in: this comes before user_sees_their_own, which has no words, by its name.
drop policy if exists asks_in_words on queue.processing_jobs;
create policy asks_in_words on queue.processing_jobs as restrictive for insert to reelq_app with check (queue.check_own_row(tenant_id));
create policy refuses_in_words on queue.processing_jobs for insert to reelq_app with check (queue.check_own_row(tenant_id));  -- mutant: a plain INSERT for another tenant is refused without words
