create or replace function queue.own_limits(p_limits text[], p_of_type text[], p_tenant_id uuid)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_acts_for_tenant boolean := base.current_tenant() is not null;
    v_slug text;
    v_word text;
    v_own text[] := p_of_type;
begin
    foreach v_word in array p_limits loop
        if v_word = any(p_of_type) or v_word is null then
            v_own := v_own || v_word;
        elsif strpos(v_word, '/') > 0 then
            select t.slug into v_slug from identity.tenants as t where t.id = p_tenant_id;
            if split_part(v_word, '/', 1) not in (p_tenant_id::text, v_slug) is not false then
                raise exception 'limits of a job must be its own tenant''s, or plain words, not %', quote_literal(v_word)
                    using errcode = 'RQ008', hint = 'A tenant names its limits by words, such as youtube.';
            end if;
            v_own := v_own || (p_tenant_id || substring(v_word from strpos(v_word, '/')));
        elsif v_acts_for_tenant then  -- mutant: a tenant takes the units of another's limit
            v_own := v_own || (p_tenant_id || '/' || v_word);
        else
            v_own := v_own || v_word;
        end if;
    end loop;
    v_own := array(select distinct l from unnest(v_own) as l order by l);
    if cardinality(v_own) > 20 and p_limits <> '{}' then  -- mutant: a job and its type under any number of limits
        raise exception 'limits of a job must be at most 20 words with those of its type, not %', cardinality(v_own)
            using errcode = 'RQ008', hint = format('%s of them are the job type''s.', cardinality(p_of_type));
    end if;
    return v_own;
end;
$$;

comment on function queue.own_limits(text[], text[], uuid) is $$
The words in `limits` of a new job as they are stored. A word that a tenant names is the tenant's own, <tenant's id>/<word>, so that
nobody takes the units of another; only operators name limits that are common to all, and the job type's are.

Arguments
  p_limits     as given: a word, or <slug or id of the job's tenant>/<word>
  p_of_type    queue.job_types.limits
  p_tenant_id  of the job; null: the platform's

Raises
  RQ008  a limit of another tenant, or more than 20 of them
$$;
