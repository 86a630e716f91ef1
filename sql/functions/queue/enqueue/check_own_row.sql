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
    return true;
end;
$$;

comment on function queue.check_own_row(uuid) is $$
Refuse an application's plain INSERT of a job that is another tenant's or nobody's as queue.enqueue_job does: in words. Row security itself says
neither why nor what to do. A policy and no trigger, since policies cost nothing where the owner inserts, as all our functions do.

Raises
  RQ004  a tenant for which the caller may not act
$$;

-- Either this or tenant_sees_its_own lets a row in, and both the same rows: whichever is asked first, what neither lets in is refused here.
drop policy if exists refuses_in_words on queue.processing_jobs;
create policy refuses_in_words on queue.processing_jobs for insert to reelq_app with check (queue.check_own_row(tenant_id));  -- mutant: a plain INSERT for another tenant is refused without words
