"""What the documents tell people to type is there: commands and their options, and the psql page runs as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import psycopg
import pytest

from reelq.cli.main import cli
from reelq.worker.db import schema
from tests.cli import psqldoc
from tools import reference

ROOT = Path(__file__).resolve().parent.parent.parent
MANUALS = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name / "README.md" for name in ("sql", "systemd", "benchmarks", "tests"))]
PAGES = [*ROOT.glob("*.md"), *MANUALS]
HINTS = sorted((ROOT / "sql" / "functions").rglob("*.sql"))
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
TYPED = re.compile(r"(?:^|(?<=[\s`$/|(:]))(?<!from )reelq (?!import )((?:--[a-z-]+(?:=\S+)? )*[a-z][^`\n|;)#]*)", re.MULTILINE)


def mistakes(line: str) -> list[str]:
    """What a command line names that is not there."""
    command: click.Command = cli
    context = click.Context(cli)
    words = [word for word in line.split() if not re.match(r"[A-Z'…]|\[", word)]
    words = words[words[:1] == ["reelq"] :]  # `sudo -u reelq reelq …`
    wrong = []
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word.rstrip(",.:'\""))
            if found is None:
                return [f"reelq {line.strip()}: no command {word!r}"]
            command = found
        elif re.match(r"--[a-z]", word):
            name = re.split(r"[=,.:'\"…]", word)[0]
            known = {one for it in (cli, command) for param in it.params for one in [*param.opts, *param.secondary_opts]}
            wrong += [] if name in known | {"--help"} else [f"reelq {line.strip()}: no option {name}"]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_the_documents_exist(page):
    typed = [line for code in CODE.findall(page.read_text(encoding="utf-8")) for line in TYPED.findall(code)]
    assert [wrong for line in typed for wrong in mistakes(line)] == []


@pytest.mark.parametrize("page", MANUALS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_says_first_whom_it_is_for(page):
    title, blank, first = page.read_text(encoding="utf-8").splitlines()[:3]
    assert title.startswith("# ") and not blank and first.startswith("For who")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_a_file_and_a_heading(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if target.is_file() and anchor else []
        anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        broken += [link] if not target.exists() or (anchor and anchor not in anchors) else []
    assert broken == []


def test_commands_in_hints_of_the_database_exist():
    typed = [line for path in HINTS for line in TYPED.findall(path.read_text(encoding="utf-8"))]
    typed = [re.split(r"['\"%]", line)[0] for line in typed]
    assert len(typed) > 10
    assert [wrong for line in typed for wrong in mistakes(line)] == []


def test_commands_in_examples_exist():
    examples = [
        line for _, context in reference.commands(cli) for line in (context.command.help or "").split("Examples:\n")[-1].splitlines()
    ]
    typed = [line for example in examples for line in TYPED.findall(example)]
    assert len(typed) > 50
    assert [wrong for line in typed for wrong in mistakes(line)] == []


def test_a_wrong_command_would_be_found():
    assert mistakes("jobs explian ID") and mistakes("queue pause all --raison x") and mistakes("nope")
    assert not mistakes("queue pause all --reason x") and not mistakes("jobs list --status failed --json")


def test_the_psql_page_runs_as_it_stands(empty_dsn, pg_server):
    """Every statement again, on a fresh database; only ids and times may differ."""
    own = pg_server.binaries.folder / "psql"
    psql = str(own) if own.exists() else shutil.which("psql")
    if psql is None:
        pytest.skip("no psql here")
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        schema.install(conn)
    page = psqldoc.PAGE.read_text(encoding="utf-8")
    fresh = psqldoc.run(page, empty_dsn, psql)
    assert psqldoc.alike(fresh) == psqldoc.alike(page), "run: python -m tools.pages psql"


def test_the_psql_page_names_every_function_that_an_application_or_operator_may_call(conn):
    """Also those that it only mentions."""
    page = psqldoc.PAGE.read_text(encoding="utf-8")
    names = {
        name for (name,) in conn.execute(
            "select distinct proname from pg_proc where pronamespace = 'queue'::regnamespace"
            " and (has_function_privilege('reelq_app', oid, 'execute') or has_function_privilege('reelq_readonly', oid, 'execute'))"
        )
    }  # fmt: skip
    assert {name for name in names if name not in page} <= {"setting"}


def test_the_map_of_sql_names_every_subject():
    told = (ROOT / "sql" / "README.md").read_text(encoding="utf-8").split("Subjects of `functions/queue/`:", 1)[1].split("\n`reelq", 1)[0]
    subjects = sorted(path.name for path in (ROOT / "sql" / "functions" / "queue").iterdir() if path.is_dir())
    assert sorted(re.findall(r"`(\w+)`", told)) == subjects
