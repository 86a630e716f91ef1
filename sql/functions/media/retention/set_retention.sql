create or replace function media.set_retention(p_asset_id uuid, p_class text default null, p_until timestamptz default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old record;
begin
    perform base.check_read_committed();
    perform identity.check_may_write();
    select a.tenant_id, a.retention_class, a.retention_until into v_old from media.assets as a
    where a.id = p_asset_id and a.deleted_at is null and identity.may_change(a.tenant_id, a.owner_user_id);  -- mutant: anybody says how long another's file is kept
    if not found then
        raise exception 'no asset % of this tenant', coalesce(p_asset_id::text, 'null')
            using errcode = 'RQ004', hint = 'The id of a video''s file is asset_id in: reelq videos show VIDEO --json';
    end if;
    if p_class not in ('operational', 'bundle', 'ai_generated') then
        raise exception 'class must be operational, bundle or ai_generated, not %', quote_literal(left(p_class, 80))
            using errcode = 'RQ008', hint = $re$What each of them means: \df+ media.expiries$re$;
    end if;
    if p_until not between '1900-01-01' and '9000-01-01' then  -- mutant: a file is kept until no program can read it
        raise exception 'time must be of the years 1900 to 9000, not %', p_until
            using errcode = 'RQ008', hint = 'A live bundle keeps files without an end: media.create_bundle.';
    end if;
    if p_class is null and p_until is null then
        raise exception 'a class or a time must be given' using errcode = 'RQ008', hint = 'The class says when a file goes, the time not before when.';
    end if;
    update media.assets as a
    set retention_class = coalesce(p_class, a.retention_class), retention_until = coalesce(p_until, a.retention_until)
    where a.id = p_asset_id;
    perform base.record_act(
        'asset.retention_changed', 'asset', p_asset_id::text,
        jsonb_build_object('retention_class', v_old.retention_class, 'retention_until', v_old.retention_until),
        jsonb_strip_nulls(jsonb_build_object('retention_class', p_class, 'retention_until', p_until)), v_old.tenant_id
    );
end;
$$;

comment on function media.set_retention(uuid, text, timestamptz) is $$
Say how long a file is kept.

Arguments
  p_class  operational, bundle or ai_generated, see media.expiries; null: stays
  p_until  not before this time; null: stays

Raises
  RQ002  the caller is not READ COMMITTED
  RQ004  no such file, or not one that the caller may change
  RQ008  an unknown class, a time that cannot be, or nothing to change
  RQ016  a viewer, who may only look
$$;
