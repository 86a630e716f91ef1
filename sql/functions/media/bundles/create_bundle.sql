create or replace function media.create_bundle(p_name text, p_tenant text default null, p_ends_at timestamptz default null)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_tenant uuid;
    v_id uuid;
begin
    perform base.check_read_committed();
    perform identity.check_may_write();  -- mutant: a viewer makes a bundle
    v_tenant := identity.check_tenant(null, p_tenant);
    if p_name is null or length(p_name) not between 1 and 255 then
        raise exception 'name must have 1 to 255 characters, not %', coalesce(length(p_name)::text, 'null')
            using errcode = 'RQ008', hint = 'What people call it, as: summer campaign.';
    end if;
    if p_ends_at <= base.clock() or p_ends_at >= '9000-01-01' then  -- mutant: a bundle ends when no program can read it
        raise exception 'term must be in the future and before the year 9000, not %', p_ends_at using errcode = 'RQ008', hint = 'Leave it out for a bundle that keeps until it is ended.';
    end if;
    insert into media.bundles (tenant_id, name, ends_at) values (v_tenant, p_name, p_ends_at)
    on conflict (tenant_id, name) where ended_at is null do nothing
    returning id into v_id;
    if v_id is null then
        raise exception 'name must be a new one, and this tenant has a bundle %', quote_literal(left(p_name, 80))
            using errcode = 'RQ009', hint = 'End that one first: reelq bundles end, or media.end_bundle.';
    end if;
    perform base.record_act(
        'bundle.created', 'bundle', v_id::text, p_after => jsonb_strip_nulls(jsonb_build_object('name', p_name, 'ends_at', p_ends_at)), p_tenant_id => v_tenant
    );
    return v_id;
end;
$$;

comment on function media.create_bundle(text, text, timestamptz) is $$
Make an empty bundle, and return its id. What is put into it (media.add_to_bundle) is kept while the bundle is live.

Arguments
  p_tenant   slug; null: the tenant of reelq.tenant_id, else "default"
  p_ends_at  its term; null: it keeps until media.end_bundle

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such tenant
  RQ008  no name, or a term that has passed or lies beyond the year 9000
  RQ009  the tenant has a bundle of this name that was not ended
  RQ012  the tenant is not active
  RQ016  a viewer, who may only look
$$;
