create or replace function media.touch_object(p_bucket text, p_key text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform media.touch_objects(array(select o.id from media.objects as o where o.bucket = p_bucket and o.key = p_key));
end;
$$;

comment on function media.touch_object(text, text) is $$
The object was read: as media.touch_objects, for a job that knows where it lies.
$$;
