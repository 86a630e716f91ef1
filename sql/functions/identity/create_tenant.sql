create or replace function identity.create_tenant(p_slug text, p_name text default null, p_tier text default 'standard')
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    if p_slug !~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$' then
        raise exception 'slug must be 1 to 50 of a-z, 0-9 and hyphens (not at its ends), not %', quote_literal(left(p_slug, 80))
            using errcode = 'RQ008', hint = 'Such as acme-films; the name, which may be anything, is another argument.';
    end if;
    if p_name ~ '[[:cntrl:]]' then
        raise exception 'name must be one line of text without control characters, not %', left(to_jsonb(p_name)::text, 80)
            using errcode = 'RQ008', hint = 'It is shown on terminals and pages.';
    end if;
    insert into identity.tenants (slug, name, tier)
    values (p_slug, coalesce(p_name, p_slug), p_tier)
    on conflict (slug) do nothing
    returning id into v_id;

    if v_id is null then
        raise exception 'slug must be a new one, not %, which a tenant has', p_slug
            using errcode = 'RQ009', hint = 'Choose another slug, or change that tenant: reelq tenants set ' || p_slug || ' --name …';
    end if;

    return v_id;
exception
    when check_violation or not_null_violation then
        raise exception 'slug, name and tier must fit their columns: %', sqlerrm
            using errcode = 'RQ008', hint = 'A slug is 1 to 50 of a-z, 0-9 and hyphens; a tier is standard, premium or enterprise.';
end;
$$;

comment on function identity.create_tenant(text, text, text) is $$
Make a tenant; return its id. For operators.

Arguments
  p_name  null means the slug

Raises
  RQ008  slug, name or tier is not a legal one
  RQ009  the slug is taken
$$;
