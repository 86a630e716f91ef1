create or replace function queue.tg_delete_history_of_owner()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids uuid[];
begin
    if tg_table_name = 'videos' then
        with gone as (delete from queue.job_history as h using old_rows as o where h.video_id = o.id returning h.id)
        select array_agg(g.id) into v_ids from gone as g;
    elsif tg_table_name = 'assets' then
        with gone as (delete from queue.job_history as h using old_rows as o where h.asset_id = o.id returning h.id)
        select array_agg(g.id) into v_ids from gone as g;
    else
        with gone as (delete from queue.job_history as h using old_rows as o where h.tenant_id = o.id returning h.id)
        select array_agg(g.id) into v_ids from gone as g;
    end if;
    if v_ids is not null then
        delete from queue.attempt_history as a where a.job_id = any(v_ids);
        delete from queue.dependency_history as d where d.parent_id = any(v_ids) or d.job_id = any(v_ids);
    end if;
    return null;
end;
$$;

comment on function queue.tg_delete_history_of_owner() is $$
Trigger after delete on media.videos, media.assets and identity.tenants, once a statement: what is deleted for good is
deleted from the history of jobs as well. Found by index. It fires after delete_jobs_of_…, by its name: a job that is archived meanwhile is then found here.
$$;

drop trigger if exists delete_history_of_video on media.videos;
create or replace trigger forget_history_of_video
after delete on media.videos referencing old table as old_rows
for each statement execute function queue.tg_delete_history_of_owner();

drop trigger if exists delete_history_of_asset on media.assets;
create or replace trigger forget_history_of_asset
after delete on media.assets referencing old table as old_rows
for each statement execute function queue.tg_delete_history_of_owner();

drop trigger if exists delete_history_of_tenant on identity.tenants;
create or replace trigger forget_history_of_tenant
after delete on identity.tenants referencing old table as old_rows
for each statement execute function queue.tg_delete_history_of_owner();
