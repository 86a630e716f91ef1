create or replace function queue.tg_delete_jobs_of_owner()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids uuid[];
begin
    if tg_table_name = 'videos' then
        v_ids := array(select j.id from old_rows as o inner join queue.processing_jobs as j on j.video_id = o.id order by j.id for update of j);
    elsif tg_table_name = 'assets' then
        v_ids := array(select j.id from old_rows as o inner join queue.processing_jobs as j on j.asset_id = o.id order by j.id for update of j);
    else
        v_ids := array(select j.id from old_rows as o inner join queue.processing_jobs as j on j.tenant_id = o.id order by j.id for update of j);
    end if;
    if v_ids <> '{}' then
        delete from queue.processing_jobs as j where j.id = any(v_ids);
    end if;
    return null;
end;
$$;

comment on function queue.tg_delete_jobs_of_owner() is $$
Trigger after delete on media.videos, media.assets and identity.tenants, once a statement: the
ON DELETE CASCADE that a foreign key would give, without its price at every enqueue. Jobs are found
by index for a video, an asset and a tenant.
$$;

create or replace trigger delete_jobs_of_video
after delete on media.videos referencing old table as old_rows
for each statement execute function queue.tg_delete_jobs_of_owner();

create or replace trigger delete_jobs_of_asset
after delete on media.assets referencing old table as old_rows
for each statement execute function queue.tg_delete_jobs_of_owner();

create or replace trigger delete_jobs_of_tenant
after delete on identity.tenants referencing old table as old_rows
for each statement execute function queue.tg_delete_jobs_of_owner();
