"""What must hold of every object of our rooms: rules over the catalogue of any database, and over the files of sql/.

    python -m tests.rules postgresql://…/a_database     a line for each thing that breaks a rule, and what to do about it

tests/sql/test_catalogue.py asks them of every fresh installation; tests/sql/test_guide.py of what a reader of sql/README.md has made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from reelq.worker.db import schema
from reelq.worker.doctor.rules import CREATED_AT, DOCUMENTED_JSON, NAME, ON_DELETE, OURS, PRIMARY_KEYS, TIME_ZONES, VALID
from reelq.worker.doctor.rules import Rule as Rule

Conn = psycopg.Connection[Any]


FUNCTION = "p.pronamespace::regnamespace || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'"
OUR_FUNCTION = "p.pronamespace::regnamespace::text = any(%(rooms)s)"

# What an application or a reader may call though it asks for no tenant: help and settings. A new function that shows or changes rows
# of tenants, or what is the operators', does not belong here.
# The last ones say who the caller is.
TENANTLESS = ("queue.help", "queue.setting", "identity.act_for",
              "identity.sees_whole_tenant", "identity.may_write", "identity.limited_to", "identity.authenticate", "identity.give_proof",
              "identity.refuse_credentials", "identity.argon2_parameters", "ops.export_tables",
              # what they call of identity asks it
              "ops.mail_reset", "ops.mail_verification", "ops.mail_invitation")
# What it may call that is about no user's rows, or leaves the question to the trigger that fills a job.
BY_SECRET = (  # a token, a key or a password says whose rows they are, or an address to which something is mailed
    "identity.begin_login", "identity.give_proof", "identity.finish_login", "identity.hash_again", "identity.show_challenge", "identity.finish_second_factor",
    "identity.check_session", "identity.close_session", "identity.show_token", "identity.use_password_token", "identity.verify_email",
    "identity.request_reset", "identity.check_scope", "identity.has_scope",
)  # fmt: skip
BUNDLES = ("media.create_bundle", "media.end_bundle", "media.list_bundles")  # are the tenant's; the files in them are asked for
USERLESS = (*BY_SECRET, *BUNDLES, "identity.member_role", "queue.check_own_row", "queue.enqueue_job", "queue.enqueue_jobs", "ops.emit_event", "ops.receive_message")
NAMED_BY_APPLICATIONS = ("queue.enqueue_job", "queue.enqueue_pipeline", "queue.ingest_video")  # their arguments have no p_

RULES = (
    Rule(
        "every schema has a comment",
        "select nspname from pg_namespace where nspname = any(%(rooms)s) and obj_description(oid) is null",
        "comment on schema … is '…';",
    ),
    Rule(
        "every table, view and type has a comment",
        f"""
        select {NAME} from pg_class as c
        where {OURS} and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and obj_description(c.oid, 'pg_class') is null
        union all
        select t.typnamespace::regnamespace || '.' || t.typname from pg_type as t left join pg_class as c on c.oid = t.typrelid
        where t.typnamespace::regnamespace::text = any(%(rooms)s)
            and (t.typtype in ('d', 'e') or c.relkind = 'c') and obj_description(t.oid, 'pg_type') is null
        """,
        "comment on table … is '…'; in its file",
    ),
    Rule(
        "every column of a table has a comment",
        f"""
        select {NAME} || '.' || a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
            and col_description(c.oid, a.attnum) is null
        """,
        "comment on column … is '…'; in its table's file: unit, what null means, where it comes from",
    ),
    Rule(
        # What is personal is exported, masked and erased; what is secret is shown to nobody. tests/sql/test_personal.py goes on from here.
        "every column of a table has a class",
        f"""
        select {NAME} || '.' || a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
            and coalesce(col_description(c.oid, a.attnum) !~ '\\[(public|internal|personal|secret)\\]$', true)
        """,
        "its comment ends with [public], [internal], [personal] or [secret]",
    ),
    Rule(
        "every function has a comment",
        f"select {FUNCTION} from pg_proc as p where {OUR_FUNCTION} and obj_description(p.oid, 'pg_proc') is null",
        "comment on function … is $$…$$; in its file: arguments and errors",
    ),
    Rule(
        "every function pins its search_path",  # else a caller's temporary tables and types are found before Postgres' own
        f"select {FUNCTION} from pg_proc as p where {OUR_FUNCTION} and not coalesce('search_path=pg_catalog, pg_temp' = any(p.proconfig), false)",
        "set search_path = pg_catalog, pg_temp in its head, and names with their room",
    ),
    Rule(
        "functions that run with the owner's rights are not open to everybody",
        f"""
        select {FUNCTION} from pg_proc as p
        where {OUR_FUNCTION} and p.prosecdef and has_function_privilege('public', p.oid, 'execute')
            and p.oid <> to_regprocedure('base.clock()') -- tests put their own in its place
        """,
        "the runner closes what it makes: was it made by hand?",
    ),
    Rule(
        # The roles have no tables to work with. Helpers of base need none, *_columns tell names.
        "functions that are called from outside run with the owner's rights",
        f"""
        select {FUNCTION} from pg_proc as p
        cross join lateral aclexplode(p.proacl) as acl inner join pg_roles as grantee on grantee.oid = acl.grantee
        where {OUR_FUNCTION} and not p.prosecdef and grantee.rolname like 'reelq\\_%%'
            and p.pronamespace <> to_regnamespace('base') and p.proname not like '%%\\_columns'
        """,
        "security definer in its head; then it asks base.may_act_for",
    ),
    Rule(
        # The owner's rights pass by row security: without the question every tenant sees and changes every other's rows.
        "functions that an application or a reader may call ask whose the rows are",
        f"""
        select {FUNCTION} from pg_proc as p
        cross join lateral aclexplode(p.proacl) as acl inner join pg_roles as grantee on grantee.oid = acl.grantee
        where {OUR_FUNCTION} and p.prosecdef and grantee.rolname in ('reelq_app', 'reelq_readonly')
            and p.prosrc !~ '(may_act_for|may_see|may_change|may_touch|pinned_tenant|check_tenant|create_video|visible_tenant|current_tenant|is_operator|check_operator|check_subject|lock_user|lock_webhook|find_webhook|named_user|take_token)'
            and p.oid <> to_regprocedure('base.clock()') -- tests put their own in its place
            and p.pronamespace::regnamespace || '.' || p.proname <> all(array{list(TENANTLESS)})
        """,
        "ask base.may_act_for(tenant) in its body, or base.is_operator; a function about no tenant's rows: TENANTLESS in tests/rules",
    ),
    Rule(
        # Within a tenant a member or viewer (reelq.user_id) sees what is theirs.
        "functions that an application or a reader may call ask which user's the rows are",
        f"""
        select {FUNCTION} from pg_proc as p
        cross join lateral aclexplode(p.proacl) as acl inner join pg_roles as grantee on grantee.oid = acl.grantee
        where {OUR_FUNCTION} and p.prosecdef and grantee.rolname in ('reelq_app', 'reelq_readonly')
            and p.prosrc !~ '(may_see|may_change|may_touch|limited_to|make_filter|one_visible_tenant|is_operator|check_operator|lock_user|lock_webhook|find_webhook|named_user|check_manages_users|check_tenant_admin|sees_whole_tenant|check_subject)'
            and p.oid <> to_regprocedure('base.clock()') -- tests put their own in its place
            and p.pronamespace::regnamespace || '.' || p.proname <> all(array{[*TENANTLESS, *USERLESS]})
        """,
        "ask identity.may_see(tenant, user), or identity.limited_to() for a list; a function about no user's rows: USERLESS in tests/rules",
    ),
    Rule(
        "functions of triggers are called tg_… and have a trigger",
        f"""
        select {FUNCTION} from pg_proc as p
        where {OUR_FUNCTION} and (
            (p.prorettype = 'trigger'::regtype) <> (p.proname like 'tg\\_%%')
            or (p.prorettype = 'trigger'::regtype and not exists (select from pg_trigger as t where t.tgfoid = p.oid))
        )
        """,
        "name it tg_<what it does>, and write its create or replace trigger into the same file",
    ),
    Rule(
        "parameters begin with p_",
        f"""
        select {FUNCTION} from pg_proc as p
        where {OUR_FUNCTION} and exists (select from unnest(p.proargnames[:p.pronargs]) as n where n !~ '^p_')
            and p.pronamespace::regnamespace || '.' || p.proname <> all(array{list(NAMED_BY_APPLICATIONS)})
        """,
        "rename it, so that no column can be meant",
    ),
    Rule(
        "a function has one signature",  # with two, a call that fits both is "not unique", and grants by name are refused
        f"""
        select {FUNCTION} from pg_proc as p
        where {OUR_FUNCTION} and exists (
            select from pg_proc as q where q.pronamespace = p.pronamespace and q.proname = p.proname and q.oid <> p.oid
        )
        """,
        "another name; of a changed signature reelq schema upgrade drops the earlier one",
    ),
    Rule(
        "every foreign key has an index",  # its first columns, in any order, so that deleting a parent is no walk over the table
        f"""
        select {NAME} || ' ' || k.conname from pg_constraint as k inner join pg_class as c on c.oid = k.conrelid
        where k.contype = 'f' and k.conparentid = 0 and {OURS}
            and not exists (
                select from pg_index as i
                where i.indrelid = k.conrelid and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
            )
        """,
        "create index … that begins with its columns",
    ),
    ON_DELETE,
    CREATED_AT,
    TIME_ZONES,
    DOCUMENTED_JSON,
    PRIMARY_KEYS,
    VALID,
    Rule(
        "checks have names that say something",  # not <table>_<column>_check, which Postgres makes up
        f"""
        select {NAME} || ' ' || k.conname from pg_constraint as k inner join pg_class as c on c.oid = k.conrelid
        where k.contype = 'c' and {OURS} and not c.relispartition and k.conname ~ '_check[0-9]*$'
        """,
        "constraint it_says_what_holds check (…)",
    ),
    Rule(
        "no index repeats the start of another",  # same table, same predicate, plain columns: the shorter one is only work
        f"""
        select {NAME} || ' is the start of ' || b.indexrelid::regclass
        from pg_index as a
        inner join pg_index as b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
        inner join pg_class as c on c.oid = a.indexrelid
        inner join pg_class as cb on cb.oid = b.indexrelid and cb.relam = c.relam
        where {OURS} and not a.indisunique
            and a.indexprs is null and b.indexprs is null
            and coalesce(pg_get_expr(a.indpred, a.indrelid), '') = coalesce(pg_get_expr(b.indpred, b.indrelid), '')
            and a.indkey::text || ' ' = left(b.indkey::text || ' ', length(a.indkey::text) + 1)
            and a.indoption::text || ' ' = left(b.indoption::text || ' ', length(a.indoption::text) + 1)
        """,
        "drop it",
    ),
    Rule(
        "row security is on and forced where there is a tenant",
        f"""
        select {NAME} from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped
            and not (c.relrowsecurity and c.relforcerowsecurity)
        """,
        "select base.protect_tenant_rows('room.table'); in its file",
    ),
    Rule(
        "row security has a policy for the owner and one for the tenant",
        f"""
        select {NAME} from pg_class as c
        where {OURS} and c.relrowsecurity and not c.relispartition and (select count(*) from pg_policy where polrelid = c.oid) < 2
        """,
        "select base.protect_tenant_rows('room.table'); in its file",
    ),
    Rule(
        "no view sees with its owner's eyes",  # it would pass by every policy; but for masked ones, of which the next rule asks more
        f"""
        select {NAME} from pg_class as c
        where {OURS} and c.relkind = 'v' and c.relname not like '%%\\_masked' and not coalesce('security_invoker=true' = any(c.reloptions), false)
        """,
        "create or replace view … with (security_invoker = true) as",
    ),
    Rule(
        # Support may read no table, so that these have to see for it. A function of the reader's in a condition would else be shown rows
        # before the filter.
        "masked views ask who reads, have a barrier, and show nothing personal or secret unmasked",
        f"""
        select {NAME} from pg_class as c
        where {OURS} and c.relkind = 'v' and c.relname like '%%\\_masked' and (
            not coalesce('security_barrier=true' = any(c.reloptions), false)
            or coalesce('security_invoker=true' = any(c.reloptions), false)
            or pg_get_viewdef(c.oid) !~ 'is_support\\(\\)'
            or pg_get_viewdef(c.oid) !~ 'tenant_id = \\( SELECT (base\\.)?current_tenant'
            or exists (
                select
                from pg_rewrite as r
                inner join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
                inner join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attnum > 0
                -- what is left when masked columns and names of columns are taken out
                cross join lateral (
                    select regexp_replace(
                        regexp_replace(pg_get_viewdef(c.oid), '(base\\.)?mask_\\w+\\((\\w+\\.)?\\w+\\)', '', 'g'), ' AS "?\\w+"?', '', 'g'
                    ) as text
                ) as bare
                where r.ev_class = c.oid and d.refobjid <> c.oid
                    and (
                        col_description(a.attrelid, a.attnum) ~ '\\[secret\\]$'
                        or (col_description(a.attrelid, a.attnum) ~ '\\[personal\\]$' and bare.text ~ ('\\m' || a.attname || '\\M'))
                    )
            )
        )
        """,
        "with (security_barrier = true); where (select base.is_support()) and …; base.mask_…(column), or leave it out",
    ),
    Rule(
        "somebody may read a table with a tenant",
        f"""
        select {NAME} from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id' and not a.attisdropped
            and not has_any_column_privilege('reelq_app', c.oid, 'select')
        """,
        "a line in grants.sql",
    ),
    Rule(
        "every partitioned table has a policy of its months",
        f"""
        select {NAME} from pg_class as c
        where {OURS} and c.relkind = 'p'
            and c.oid not in (select to_regclass(parent) from ops.partition_policies where to_regclass(parent) is not null)
        """,
        "a row in data/ops_partition_policies.sql",
    ),
    Rule(
        # Rotation and forget look for rows by their key: without the index they would read the table, without the key they could not go on.
        "a sealed column has an index by its key, a primary key of one column, and says that it is secret",
        f"""
        select {NAME} || '.' || a.attname
        from pg_depend as d
        inner join pg_constraint as k on k.oid = d.objid and k.conparentid = 0
        inner join pg_class as c on c.oid = k.conrelid
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = any(k.conkey) and a.atttypid = 'bytea'::regtype
        where d.classid = 'pg_constraint'::regclass and d.refobjid = to_regprocedure('base.is_envelope(bytea)') and {OURS}
            and (
                not exists (
                    select from pg_index as i inner join pg_index as p on p.indrelid = i.indrelid and p.indisprimary and p.indnkeyatts = 1
                    where i.indrelid = c.oid and i.indnatts = 2 and i.indkey[1] = p.indkey[0] and i.indisvalid
                        and pg_get_indexdef(i.indexrelid, 1, true) in ('base.envelope_key(' || quote_ident(a.attname) || ')', 'envelope_key(' || quote_ident(a.attname) || ')')
                        and pg_get_expr(i.indpred, i.indrelid, true) = quote_ident(a.attname) || ' IS NOT NULL'
                )
                or coalesce(col_description(c.oid, a.attnum), '') !~ '\\[secret\\]$'
                or cardinality(k.conkey) > 1 -- ops.list_sealed_columns would not find it
            )
        """,
        "create index … on … (base.envelope_key(column), id) where column is not null; comment on column … '… [secret]'",
    ),
    Rule(
        "updated_at is kept by a trigger",
        f"""
        select {NAME} from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'updated_at' and not a.attisdropped
            and not exists (select from pg_trigger as t where t.tgrelid = c.oid and t.tgfoid = to_regprocedure('base.tg_touch_updated_at()'))
            -- the queue's functions write the first themselves, and rows of the second never change
            and c.oid not in (coalesce(to_regclass('queue.processing_jobs'), 0), coalesce(to_regclass('queue.job_history'), 0))
        """,
        "create trigger touch_updated_at before update on …",
    ),
)
LEFT = """
select distinct own.nspname, other.nspname,
    pg_describe_object(d.classid, d.objid, d.objsubid) || ' -> ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
from pg_depend as d
cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as o
cross join lateral pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) as r
inner join pg_namespace as own on own.nspname = coalesce(o.schema, split_part(o.identity, ' on ', 2))
    or (o.schema is null and o.identity like '%% on ' || own.nspname || '.%%')
inner join pg_namespace as other on other.nspname = r.schema
where own.nspname = any(%(rooms)s) and other.nspname = any(%(rooms)s) and d.classid <> 'pg_trigger'::regclass
"""


def right_of(conn: Conn, rooms: list[str]) -> list[str]:
    """What refers to a room on its right, by foreign key, default, check, policy, view or return type: whatever pg_depend knows.

    Not by trigger: a room may hang a trigger of its own on a table to its left, which then knows nothing of it.
    """
    found = conn.cursor(row_factory=tuple_row).execute(LEFT, {"rooms": rooms}).fetchall()
    return sorted(text for own, other, text in found if rooms.index(other) > rooms.index(own))


# Over the files: bodies are text to the catalogue.


def codes_in(text: str) -> set[str]:
    """The error codes that a text names."""
    return set(re.findall(r"RQ\d{3}", text))


def functions_that_name_rooms_on_their_right(root: Path) -> Iterator[str]:
    """A function or view refers to rooms on its left only."""
    rooms = schema.rooms(root)
    for file in schema.files(root):
        if file.kind in ("function", "view"):
            code = re.sub(r"--[^\n]*|'[^'\n]*'", "", file.text.split("\ncomment on ", 1)[0])
            for room in rooms[rooms.index(file.room) + 1 :]:
                yield from (f"{file.path}: {word}" for word in re.findall(rf"\b{room}\.[a-z_]+\b", code))


# Where a room has to reach one on its right after all, it does so by text that is executed: docs/why.md says why each does.
DOORS = ("functions/base/record_act.sql", "functions/base/emit_event.sql", "functions/base/check_sealed.sql", "functions/base/protect_user_rows.sql")


def functions_that_execute_texts_about_rooms_on_their_right(root: Path) -> Iterator[str]:
    """A name in a string is no way around the order of rooms, but for the doors."""
    rooms = schema.rooms(root)
    for file in schema.files(root):
        code = re.sub(r"--[^\n]*", "", file.text.split("\ncomment on ", 1)[0])
        if file.kind == "function" and file.path not in DOORS and re.search(r"\bexecute\b(?! (?:function|procedure))", code):
            for room in rooms[rooms.index(file.room) + 1 :]:
                yield from (f"{file.path}: {word}" for word in re.findall(rf"\b{room}\.[a-z_]+\b", code))


def functions_that_hide_an_error_code(root: Path) -> Iterator[str]:
    """The comment lists what the body raises."""
    for file in schema.files(root):
        code, _, manual = file.text.partition("\ncomment on ")
        if file.kind == "function" and codes_in(code) - codes_in(manual):
            yield f"{file.path}: {', '.join(sorted(codes_in(code) - codes_in(manual)))}"


def errors_without_a_code_or_hint(root: Path) -> Iterator[str]:
    """An error that a caller can act on says how. Plain assertions of our own (P0004) are for us."""
    for file in schema.files(root):
        for found in re.findall(r"raise exception\b.*?;(?=\s*\n)", file.text, flags=re.DOTALL):
            if "errcode" not in found or "hint" not in found:
                yield f"{file.path}: {found.splitlines()[0].strip()}"


def functions_without_paths_and_with_jit(root: Path) -> Iterator[str]:
    """A path that is turned off costs 1e10, which wakes the compiler: 100 ms a call, measured."""
    yield from (file.path for file in schema.files(root) if "\nset enable_" in file.text and "\nset jit = off" not in file.text)


FILE_RULES: dict[str, Callable[[Path], Iterator[str]]] = {
    "a function names rooms on its left only": functions_that_name_rooms_on_their_right,
    "a text that is executed names rooms on the left only, but for the doors": functions_that_execute_texts_about_rooms_on_their_right,
    "a function's comment lists its error codes": functions_that_hide_an_error_code,
    "every raise has a code and a hint": errors_without_a_code_or_hint,
    "who turns paths off turns jit off too": functions_without_paths_and_with_jit,
}


def broken(conn: Conn, root: Path = schema.ROOT) -> list[str]:
    """Every rule of a database and of the files it was made from: a line for each thing that breaks one."""
    rooms = schema.rooms(root)
    told = [f"{rule.name}: not {what}. → {rule.remedy}" for rule in RULES for what in rule.broken(conn, rooms)]
    told += [f"a table refers to rooms on its left only: not {what}" for what in right_of(conn, rooms)]
    return told + [f"{name}: not {what}" for name, look in FILE_RULES.items() for what in look(root)]
