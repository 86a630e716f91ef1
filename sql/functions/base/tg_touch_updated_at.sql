create or replace function base.tg_touch_updated_at()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    new.updated_at := base.clock();
    return new;
end;
$$;

comment on function base.tg_touch_updated_at() is $$
Trigger (before update, for each row): updated_at becomes the time of this change.
$$;
