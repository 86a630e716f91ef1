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
begin
    if not exists (
        select from ops.events as e inner join ops.event_types as t on t.name = e.event_type
        where e.seq = any(p_seqs) and e.created_at >= p_since and t.notifies is not null and e.tenant_id is not null
    ) then
        return;
    end if;
    with told as (
        select
            e.event_id, e.tenant_id, e.created_at, t.name, t.notifies, t.title, t.message, t.action_url, t.action_label, t.channels, t.lives, e.data,
            coalesce(i.user_id, v.user_id, j.user_id, a.owner_user_id) as owner_id,
            v.user_id as video_of, coalesce(v.title, v.id::text) as video
        from ops.events as e
        inner join ops.event_types as t on t.name = e.event_type and t.notifies is not null
        -- A tenant or user that is gone is told nothing; what is no id is none.
        inner join identity.tenants as o on o.id = e.tenant_id
        cross join lateral (
            select
                max(case when k.name = 'user_id' then k.id::text end)::uuid as user_id,
                max(case when k.name = 'video_id' then k.id::text end)::uuid as video_id,
                max(case when k.name = 'job_id' then k.id::text end)::uuid as job_id,
                max(case when k.name = 'asset_id' then k.id::text end)::uuid as asset_id
            from (
                select n.name, case when e.data ->> n.name ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then (e.data ->> n.name)::uuid end as id
                from (values ('user_id'), ('video_id'), ('job_id'), ('asset_id')) as n (name)
            ) as k
        ) as i
        left join media.videos as v on v.id = i.video_id and v.tenant_id = e.tenant_id
        left join queue.processing_jobs as j on j.id = i.job_id and j.tenant_id = e.tenant_id
        left join media.assets as a on a.id = i.asset_id and a.tenant_id = e.tenant_id
        where e.seq = any(p_seqs) and e.created_at >= p_since
    ),
    made as (
        insert into ops.notifications (tenant_id, user_id, type, title, message, action_url, action_label, channels, event_id, expires_at)
        select
            e.tenant_id, u.id, e.name,
            coalesce(nullif(ops.fill_text(e.title, f.shown, 255), ''), e.name), coalesce(nullif(ops.fill_text(e.message, f.shown, 4000), ''), e.name),
            f.action_url, case when f.action_url is not null then nullif(ops.fill_text(e.action_label, f.shown, 100), '') end,
            c.channels, e.event_id, base.clock() + e.lives
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
        -- The words of one user are shown to no other: they would outlive their erasure.
        cross join lateral (
            select e.data || jsonb_build_object('video', case when e.video_of is null or e.video_of = u.id then e.video else e.data ->> 'video_id' end) as shown
        ) as s
        cross join lateral (
            select
                s.shown,
                (
                    select filled.url from (select ops.fill_text(e.action_url, s.shown, 2000) as url) as filled
                    where filled.url ~ '^(https?://[!-~]+|/([!-.0-\[\]-~][!-\[\]-~]*)?)$'
                ) as action_url
        ) as f
        cross join lateral (select ops.channels_of(u.id, e.name, e.channels) as channels) as c
        where c.channels <> '{}'
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
