create or replace function ops.webhook_refusal(p_url text, p_events text[], p_description text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_filter text;
begin
    begin
        perform substring(p_url from $re$^https?://\[([^]]*)\]$re$)::inet;  -- mutant: brackets around anything
    exception
        when invalid_text_representation then
            return array['url must have an IPv6 address in brackets', 'Such as https://[2001:db8::1]/hooks.'];
    end;
    if p_url is null or length(p_url) > 2000 or p_url !~ '^https?://[!-~]+$' then
        return array['url must be http or https, in printable ASCII, of at most 2,000 characters', 'Such as https://example.com/hooks/reelq.'];
    elsif p_url !~ $re$^https?://([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][^#]*)?\Z$re$ then  -- mutant: any host will do
        return array['url must have a host name and neither a user, a password nor a #', 'Deliveries are signed; a secret in the URL is not needed.'];
    elsif substring(p_url from '^https?://[^/?]*:([0-9]{1,5})(?:[/?]|$)')::integer not between 1 and 65535 then  -- mutant: any port will do
        return array['port of the url must be 1 to 65535', 'Leave it out for 443, or 80 of http.'];
    elsif p_events is null or array_ndims(p_events) <> 1 or cardinality(p_events) not between 1 and 50 or array_position(p_events, null) is not null then
        return array['events must be 1 to 50 names or filters', 'Such as {video.ready,job.*}, or {*} for all.'];
    elsif length(p_description) > 200 or p_description ~ '[[:cntrl:]]' then
        return array['description must be one line of at most 200 characters', 'What people call the endpoint.'];
    end if;
    select f into v_filter from unnest(p_events) as f
    where not exists (select from ops.event_types as t where f = any(ops.filters_of(t.name)))
    limit 1;
    if found then
        return array[
            format('events must be known, not %s', quote_literal(left(v_filter, 100))),
            'Look with: reelq events types, or ops.list_event_types(); video.* means all that begin so.'
        ];
    end if;
    return null;
end;
$$;

comment on function ops.webhook_refusal(text, text[], text) is $$
What is wrong with an endpoint as it was given, in a sentence and a hint; null: nothing. Whether its address may be connected to is asked at each
delivery, of the address that is connected to then.
$$;
