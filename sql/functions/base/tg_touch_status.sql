create or replace function base.tg_touch_status()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.status is distinct from old.status then
        new.status_changed_at := base.clock();
    end if;
    return new;
end;
$$;

comment on function base.tg_touch_status() is $$
Trigger (before update, for each row): status_changed_at becomes the time of this
change, but only when the column `status` got another value.
$$;
