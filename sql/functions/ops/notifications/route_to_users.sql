create or replace function ops.route_to_users(p_seqs bigint[], p_since timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
as $$
declare
    v_ids uuid[];
    v_id text := '^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$';
    v_link text := $re$^(https?://[!-~]+|/([!-.0-\[\]-~][!-\[\]-~]*)?)\Z$re$;  -- as the check of ops.notifications
begin
    if not exists (
        select from ops.events as e inner join ops.event_types as t on t.name = e.event_type
        where e.seq = any(p_seqs) and e.created_at >= p_since and t.notifies is not null and e.tenant_id is not null
    ) then
        return;
    end if;
    -- Each step once a row, hence materialized: what they call costs more than the rest.
    with told as materialized (
        select
            e.event_id, e.tenant_id, e.data, t.name, t.notifies, t.title, t.message, t.action_url, t.action_label, t.channels, t.lives,
            coalesce(i.user_id, v.user_id, j.user_id, a.owner_user_id) as owner_id, v.user_id as video_of, coalesce(v.title, v.id::text) as video
        from ops.events as e
        inner join ops.event_types as t on t.name = e.event_type and t.notifies is not null
        -- A tenant or user that is gone is told nothing; what is no id is none.
        inner join identity.tenants as o on o.id = e.tenant_id
        cross join lateral (
            select
                substring(e.data ->> 'user_id' from v_id)::uuid as user_id, substring(e.data ->> 'video_id' from v_id)::uuid as video_id,
                substring(e.data ->> 'job_id' from v_id)::uuid as job_id, substring(e.data ->> 'asset_id' from v_id)::uuid as asset_id
        ) as i
        left join media.videos as v on v.id = i.video_id and v.tenant_id = e.tenant_id  -- mutant: another tenant's title is told
        left join queue.processing_jobs as j on j.id = i.job_id and j.tenant_id = e.tenant_id
        left join media.assets as a on a.id = i.asset_id and a.tenant_id = e.tenant_id
        where e.seq = any(p_seqs) and e.created_at >= p_since
    ),
    addressed as materialized (
        select
            e.event_id, e.tenant_id, u.id as user_id, e.name, e.title, e.message, e.action_url, e.action_label, e.lives,
            -- The words of one user are shown to no other: they would outlive their erasure.
            e.data || jsonb_build_object('video', case when e.video_of is null or e.video_of = u.id then e.video else e.data ->> 'video_id' end) as shown,
            case
                when exists (select from ops.notification_settings as s where s.user_id = u.id) then ops.channels_of(u.id, e.name, e.channels)
                else e.channels
            end as channels
        from told as e
        left join identity.users as w on w.id = e.owner_id and w.tenant_id = e.tenant_id and w.deleted_at is null and w.status in ('active', 'trial')
        cross join lateral (
            select w.id as id
            where e.notifies in ('owner', 'owner_or_admins') and w.id is not null
            union all
            select m.id
            from identity.users as m
            where
                m.tenant_id = e.tenant_id and m.role = 'admin' and m.deleted_at is null and m.status in ('active', 'trial')
                and (e.notifies = 'admins' or (e.notifies = 'owner_or_admins' and w.id is null))
        ) as u
    ),
    filled as materialized (
        select
            d.event_id, d.tenant_id, d.user_id, d.name, d.channels, base.clock() + d.lives as expires_at,
            nullif(ops.fill_text(d.title, d.shown, 255), '') as title, nullif(ops.fill_text(d.message, d.shown, 4000), '') as message,
            ops.fill_text(d.action_url, d.shown, 2000) as action_url, nullif(ops.fill_text(d.action_label, d.shown, 100), '') as action_label
        from addressed as d
        where d.channels <> '{}'
    ),
    made as (
        insert into ops.notifications (tenant_id, user_id, type, title, message, action_url, action_label, channels, event_id, expires_at)
        select
            f.tenant_id, f.user_id, f.name, coalesce(f.title, f.name), coalesce(f.message, f.name),
            -- A path that a value has made into something else is no link.
            case when f.action_url ~ v_link then f.action_url end,  -- mutant: a value leads to somebody else's address
            case when f.action_url ~ v_link then f.action_label end,
            f.channels, f.event_id, f.expires_at
        from filled as f
        on conflict (event_id, user_id) where event_id is not null do nothing
        returning id
    )
    select array_agg(m.id) into v_ids from made as m;
    perform ops.enqueue_sending(v_ids);
end;
$$;

comment on function ops.route_to_users(bigint[], timestamptz) is $$
Notify users of events, as ops.event_types says whom and of what, and as they have chosen by which channels; and enqueue what is to be mailed and pushed. For
ops.relay_events, in its transaction: a few statements for all of them.

Arguments
  p_seqs   the events, as ops.events.seq
  p_since  the oldest created_at among them: no older partition is looked into
$$;
