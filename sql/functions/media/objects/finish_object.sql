create or replace function media.finish_object(p_object_id uuid, p_size_bytes bigint, p_sha256 text)
returns media.objects
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_object media.objects;
    v_other media.objects;
begin
    perform base.check_read_committed();
    if p_size_bytes is null or p_size_bytes < 0 or p_sha256 is null or p_sha256 !~ '^[0-9a-f]{64}$' then
        raise exception 'a stored object must have a size and a checksum, not % and %',
            coalesce(p_size_bytes::text, 'null'), coalesce(quote_literal(left(p_sha256, 80)), 'null')
            using errcode = 'RQ008', hint = 'The size is in bytes and not negative, the checksum is SHA-256 in 64 lower-case hex digits.';
    end if;
    -- A sweep that has begun to delete it holds its row: what comes after that is refused.
    select * into v_object from media.objects as o where o.id = p_object_id and base.may_act_for(o.tenant_id) for no key update;  -- mutant: who acts for one tenant finishes another's object
    if v_object.state = 'stored' and (v_object.size_bytes, v_object.sha256) is not distinct from (p_size_bytes, p_sha256) then
        perform media.use_object(p_object_id, v_object.tenant_id);
        return v_object;
    end if;
    if v_object.state is distinct from 'writing' then
        raise exception 'object % must be one that is being written, and is %', coalesce(p_object_id::text, 'null'), coalesce(v_object.state, 'gone')
            using errcode = 'RQ018', hint = 'It was swept meanwhile, as what an attempt left that was over: store the bytes again.';
    end if;

    for v_try in 1..5 loop
        v_other := media.find_object(v_object.tenant_id, v_object.bucket, p_sha256, p_size_bytes);
        if v_other.id is not null then
            -- Its own bytes are litter from here on: the row stays in writing until a sweep has removed them.
            return v_other;
        end if;
        begin
            update media.objects as o
            set state = 'stored', size_bytes = p_size_bytes, sha256 = p_sha256, stored_at = base.clock(), last_used_at = base.clock()
            where o.id = p_object_id
            returning o.* into v_object;
            return v_object;
        exception
            when unique_violation then
                null;  -- another committed the same content a moment ago: look again
        end;
    end loop;
    raise exception 'object % has equal content with one that comes and goes', p_object_id
        using errcode = 'RQ018', hint = 'Store the bytes again.';
end;
$$;

comment on function media.finish_object(uuid, bigint, text) is $$
All bytes of an object are in the store; return the object that is to be referred to: this one, or another of the tenant in that bucket with the same content, which
came first. What refers to it is written later, in the transaction that completes the job, by media.use_object: until then nobody knows of it, and what nobody refers to is swept.

Arguments
  p_size_bytes, p_sha256  of what was put, as the writer computed them

Raises
  RQ002  the caller is not READ COMMITTED
  RQ008  no size, or no SHA-256
  RQ018  the object is gone: a sweep took it for what a dead attempt left
$$;
