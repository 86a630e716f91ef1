create or replace function media.in_live_bundle(p_asset_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from media.bundle_members as m
        inner join media.bundles as b on b.id = m.bundle_id
        where m.asset_id = p_asset_id and b.ended_at is null and coalesce(b.ends_at > base.clock(), true)  -- mutant: a live bundle keeps nothing
    );
end;
$$;

comment on function media.in_live_bundle(uuid) is $$
Whether a bundle keeps the file: one that was not ended and is before its term.
$$;
