"""Schemas of our names that somebody else made: how they are told, for the runner and for the printed script."""

from __future__ import annotations

from collections.abc import Sequence

# A row a schema that is not ours, in words. Empty and owned by the installing role is as good as absent.
FOREIGN = """
select format(
    'the schema %%I of this database belongs to somebody else: it %%s',
    space.nspname,
    case
        when pg_get_userbyid(space.nspowner) <> current_user
        then format('is owned by %%I, and %%I installs', pg_get_userbyid(space.nspowner), current_user)
        else 'holds ' || held.first || case when held.count > 1 then format(' and %%s more', held.count - 1) else '' end
    end
) as told
from pg_namespace as space
cross join lateral (
    select count(*) as count, min(pg_describe_object(own.classid, own.objid, 0)) as first
    from (
        select distinct classid, objid from pg_depend
        where
            refclassid = 'pg_namespace'::regclass
            and refobjid = space.oid
            -- default privileges and publications speak of a schema and are not in it
            and classid not in ('pg_default_acl'::regclass, 'pg_publication_namespace'::regclass)
    ) as own
) as held
where space.nspname = any(%(rooms)s) and (held.count > 0 or pg_get_userbyid(space.nspowner) <> current_user)
order by space.nspname
"""

# A row when titles, names of files and what ffmpeg says could not all be kept. SQL_ASCII keeps any bytes, and we write UTF-8.
ENCODING = """
select
    'the database is in ' || getdatabaseencoding() || ', which cannot keep every character; reelq needs UTF8',
    'Nothing was changed. Make another database: create database reelq encoding ''UTF8'' locale ''C.UTF-8'' template template0'
where getdatabaseencoding() not in ('UTF8', 'SQL_ASCII')
"""

# The same for `reelq schema print`, where no ledger can say what is ours: the script wants none of the names taken.
GUARD = """do $guard$
declare
    v_told text := (select foreigner.told from ({query}) as foreigner limit 1);
begin
    if getdatabaseencoding() not in ('UTF8', 'SQL_ASCII') then
        raise exception 'the database is in %, which cannot keep every character; reelq needs UTF8', getdatabaseencoding()
            using errcode = 'feature_not_supported',
                hint = 'Make another one: create database reelq encoding ''UTF8'' locale ''C.UTF-8'' template template0';
    end if;
    if v_told is not null then
        raise exception '%', v_told using errcode = 'duplicate_schema', hint = '{hint}';
    end if;
end;
$guard$;
"""


def hint(rooms: Sequence[str]) -> str:
    """What to do about a schema that is taken."""
    return (
        f"Nothing was changed. The schema names {', '.join(rooms)} have to be free for reelq: rename that schema, "
        "or install into another database. One that is empty and owned by the installing role is taken as it is."
    )


def guard(rooms: Sequence[str]) -> str:
    """The check as a statement for psql."""
    names = "array[" + ", ".join(f"'{room}'" for room in rooms) + "]"
    query = FOREIGN.replace("%(rooms)s", names).replace("%%", "%").strip()
    return GUARD.format(query=query, hint=hint(rooms))
