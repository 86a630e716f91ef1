create or replace function identity.create_key(
    p_name text,
    p_tenant text default null,
    p_user_id uuid default null,
    p_scopes text[] default '{read,write}',
    p_hourly_limit integer default 1000,
    p_expires_at timestamptz default null
)
returns table (id uuid, key text, prefix text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_tenant uuid := identity.named_owner(p_tenant, p_user_id);
    v_status text;
    v_no text[];
begin
    perform identity.check_scope('admin');
    if not identity.may_change(v_tenant, p_user_id) then
        raise exception 'a key of this owner may be made by an admin of the tenant, or by its user'
            using errcode = 'RQ016', hint = 'A member makes keys of their own: give p_user_id; a viewer makes none.';
    end if;
    select t.status into v_status from identity.tenants as t where t.id = v_tenant;
    if v_status <> 'active' then
        raise exception 'tenant % must be active, not %', v_tenant, v_status using errcode = 'RQ012', hint = 'Its keys would be refused.';
    end if;
    v_no := case
        when p_name ~ '[[:cntrl:]]' then array['name must be one line without control characters', 'Such as Production.']
        when p_name is null or p_name !~ '[^[:space:]]' or length(p_name) > 100
            then array[format('name must have 1 to 100 characters, not %s', coalesce(length(btrim(p_name))::text, 'null')), 'Such as Production.']
        when p_scopes is null or cardinality(p_scopes) = 0 or not p_scopes <@ '{read,write,delete,admin}'
            then array[format('scopes must be some of read, write, delete, admin, not %s', left(coalesce(p_scopes::text, 'null'), 80)), 'admin includes the others.']
        when p_hourly_limit < 1
            then array[format('hourly limit must be 1 or more, not %s', p_hourly_limit), 'null: as often as they like.']
        when p_expires_at not between base.clock() and '9000-01-01'
            then array[format('expiry must be later than now and before the year 9000, not %s', p_expires_at), 'null: it never expires.']
    end;
    if v_no is not null then
        raise exception '%', v_no[1] using errcode = 'RQ008', hint = v_no[2];
    end if;
    return query select k.id, k.key, k.prefix from identity.insert_key(v_tenant, p_user_id, p_name, p_scopes, p_hourly_limit, p_expires_at) as k;
end;
$$;

comment on function identity.create_key(text, text, uuid, text[], integer, timestamptz) is $$
Make an API key. Returns its id, the key, which is shown this once, and the 8 characters by which people tell it apart.
  select key from identity.create_key('Production', 'acme', p_scopes => '{read}');

A key goes on when its user's password or second factor changes, unlike sessions: programs work with it, and their users change passwords as a matter of
course. Whoever had a session may have made keys; so after a theft look at reelq keys list, which says who made each, and revoke them. All end
with the account.

Arguments
  p_name          what people call it, unique among the live keys of its owner
  p_tenant        slug or id; null: the user's, else the tenant of reelq.tenant_id, else "default"
  p_user_id       the user that it acts for; null: it acts for the tenant itself
  p_scopes        some of read, write, delete, admin (all of them, and keys and configuration)
  p_hourly_limit  how often an hour it may be used; null: as often as they like
  p_expires_at    null: it never expires

Raises
  RQ004  no such tenant or user, or not one that the caller may see
  RQ008  a name, scope, limit or expiry that cannot be
  RQ009  the owner has a live key of that name, or 100 live keys
  RQ012  the tenant is not active
  RQ016  the user's role or the key's scope does not allow it
$$;
