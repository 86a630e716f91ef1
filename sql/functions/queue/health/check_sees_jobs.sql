create or replace function queue.check_sees_jobs()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if row_security_active('queue.processing_jobs') and not exists (  -- mutant: an owner without a policy works on
        select
        from pg_policy as p
        cross join lateral unnest(p.polroles) as r (oid)
        where
            p.polrelid = 'queue.processing_jobs'::regclass and p.polname = 'owner_sees_all'
            and (r.oid = 0 or pg_has_role(current_user, r.oid, 'usage'))
    ) then
        raise exception 'the owner of queue.processing_jobs must see its rows, and % may not', current_user
            using errcode = 'RQ011', hint = 'Its policy is another role''s, as after REASSIGN OWNED: reelq schema status, then reelq schema upgrade';
    end if;
end;
$$;

comment on function queue.check_sees_jobs() is $$
Refuse to work for an owner whom row security hides the jobs from: what cannot be seen would be taken for gone. Asked by whatever
claims, settles, moves or repairs.

Raises
  RQ011  the policy owner_sees_all is for another role
$$;
