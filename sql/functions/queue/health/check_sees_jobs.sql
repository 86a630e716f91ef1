create or replace function queue.check_sees_jobs()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not row_security_active('queue.processing_jobs') then
        return;
    end if;
    if not exists (  -- mutant: an owner without a policy works on
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
    if pg_has_role(current_user, to_regrole('reelq_app')::oid, 'usage') then  -- mutant: an owner that is an application works on
        raise exception 'the owner of queue.processing_jobs must not be a member of reelq_app, and % is', current_user
            using errcode = 'RQ011', hint = format('Row security for applications binds it: revoke reelq_app from %I', current_user);
    end if;
end;
$$;

comment on function queue.check_sees_jobs() is $$
Refuse to work for an owner whom row security hides the jobs from: what cannot be seen would be taken for gone. Asked by whatever
claims, settles, moves or repairs.

Raises
  RQ011  the policy owner_sees_all is for another role, or the owner is a member of reelq_app
$$;
