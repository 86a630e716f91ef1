create or replace function ops.add_event_type(p_name text, p_about text, p_audience text default 'tenant')
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform base.check_operator();
    if p_name is null or p_name !~ $re$^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z$re$ or length(p_name) > 100 then
        raise exception 'name of an event type must be words of a-z, 0-9 and _ with dots between them, at most 100 characters, not %',
            coalesce(quote_literal(left(p_name, 120)), 'null') using errcode = 'RQ008', hint = 'The thing, a dot, what happened to it: order.paid.';
    elsif coalesce(p_about, '') !~ '[^[:space:]]' or length(p_about) > 1000 then
        raise exception 'about must say in 1 to 1,000 characters when it is told' using errcode = 'RQ008', hint = 'And what its data has, for whoever receives it.';
    elsif p_audience is null or p_audience not in ('tenant', 'operator') then
        raise exception 'audience must be tenant or operator, not %', coalesce(quote_literal(left(p_audience, 80)), 'null')
            using errcode = 'RQ008', hint = 'operator: no tenant''s endpoint gets it.';
    end if;
    insert into ops.event_types as t (name, about, audience, is_own) values (p_name, p_about, p_audience, true)
    on conflict (name) do update set about = excluded.about, audience = excluded.audience where t.is_own;
    if not found then
        raise exception 'event type % is there already, and no application''s', p_name using errcode = 'RQ009', hint = 'Choose another first word, such as your application''s name.';
    end if;
end;
$$;

comment on function ops.add_event_type(text, text, text) is $$
Make an event type of an application, or change what is said of it. From then on ops.emit_event takes it.
  select ops.add_event_type('order.paid', 'An order was paid. Data: order_id.');

Raises
  42501  the caller is no operator
  RQ008  a name, text or audience that cannot be
  RQ009  a type of that name is reelq's own
$$;
