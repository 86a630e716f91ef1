"""Every command of the tree, called wrongly and in bad surroundings: one line that says what is wrong, one that says what to do."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from reelq.cli.main import cli
from tools import reference

ID = "01976b1e-5a3c-7d4e-8f00-0123456789ab"
LEAVES = {path: context for path, context in reference.commands(cli) if not isinstance(context.command, click.Group)}
ENDLESS = {"reelq worker run", "reelq periodic run", "reelq top", "reelq jobs tail"}  # they stay until they are told to end
WITHOUT_DATABASE = {"reelq completion", "reelq config show", "reelq schema print"}
LOOKS_ITSELF = {"reelq doctor", "reelq schema install", "reelq schema status", "reelq schema upgrade", "reelq schema diff"}
LOOKS_INTO_THE_STORE = {"reelq backup restore", "reelq backup verify"}  # first: they are for when the database is lost
ASKS_FIRST = {"reelq workers drain", "reelq job-types sync"}  # for more words, or with nothing to do
NEEDS_KEYS = {"reelq webhooks create", "reelq webhooks rotate-secret"}  # this host's, before the database
CHOOSES = {f"reelq jobs {verb}" for verb in ("cancel", "reprioritise", "reschedule", "retry", "run-now")}  # by ids or by a filter
MORE = {  # of several options one has to be given
    "reelq videos delete": ["--yes"],
    "reelq retention set": ["--class", "bundle"],
    "reelq tenants set": ["--tier", "premium"],
    "reelq tenants set-config": ["--rate", "1"],
    "reelq subscriptions set": ["--tenant", "nothing", "--plan", "premium"],
    "reelq sessions revoke": [ID],
    "reelq notifications read": ["--all"],
    "reelq upkeep set": ["--off"],
    "reelq webhooks set": ["--description", "x"],
    "reelq webhooks replay": ["--since", "1h"],
    "reelq users set": ["--name", "Ann"],
    "reelq subscriptions end": ["--tenant", "nothing"],
}
BOUND = sorted(LEAVES.keys() - ENDLESS - WITHOUT_DATABASE - LOOKS_ITSELF - LOOKS_INTO_THE_STORE - ASKS_FIRST - NEEDS_KEYS)
ODD = re.compile(r"Traceback|Error\(|object at 0x|\\[nt]|<class|psycopg|NoneType|\t|\x1b")


def words_of(path, tmp_path):
    """The command with something for each argument that it must have: of the right form, and of nothing that there is."""
    specs, clip = tmp_path / "specs.json", tmp_path / "clip #1 100%?.mp4"
    specs.write_text('[{"job_type": "no_op"}]')
    clip.write_bytes(b"x")
    words = path.split()[1:] + MORE.get(path, [])
    for one in LEAVES[path].command.params:
        if not one.required and not (isinstance(one, click.Argument) and path in CHOOSES):
            continue
        words += [one.opts[0]] if isinstance(one, click.Option) else []
        if isinstance(one.type, click.Choice):
            words.append(str(one.type.choices[-1]))
        elif one.name == "sources":
            words.append(str(clip))
        else:
            words.append({"id": ID, "filename": str(specs), "integer range": "1", "json": "{}", "time": "+10m", "videos": "1"}.get(one.type.name, "nothing"))
    return words


def refused(done, code, says):
    """What is wrong with a refusal: exit code, `reelq: …`, `hint: …`, nothing else."""
    lines = done.err.splitlines()
    faults = [] if done.code == code else [f"exit code {done.code}"]
    faults += [] if len(lines) == 2 and lines[0].startswith("reelq: ") and lines[1].startswith("hint: ") else [done.err]
    return faults + ([f"odd: {done.err}"] if ODD.search(done.err) else []) + ([] if says in done.err else [f"not: {says}"])


def test_a_database_that_is_away_is_75(bare, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    faults = {path: refused(bare(*words_of(path, tmp_path)), 75, "the database is away") for path in BOUND}
    assert {path: found for path, found in faults.items() if found} == {}


def test_no_schema_an_old_one_and_a_role_without_rights(bare, conn, dsn, empty_dsn, tmp_path, monkeypatch):
    conn.execute("drop role if exists knows_nothing")
    conn.execute("create role knows_nothing login")
    faults = {}
    for path in BOUND:
        monkeypatch.setenv("DATABASE_URL", empty_dsn)
        faults[path, "empty"] = refused(bare(*words_of(path, tmp_path)), 1, "reelq schema install")
        monkeypatch.setenv("DATABASE_URL", dsn.replace("postgres@", "knows_nothing@"))
        faults[path, "role"] = refused(bare(*words_of(path, tmp_path)), 1, "as a member of reelq_")
    conn.execute("drop role knows_nothing")
    conn.execute("delete from base.schema_ledger where path like 'schema/30_queue/63%'")
    monkeypatch.setenv("DATABASE_URL", dsn)
    for path in BOUND:
        faults[path, "old"] = refused(bare(*words_of(path, tmp_path)), 1, "reelq schema upgrade")
    assert {key: found for key, found in faults.items() if found} == {}


def test_ids_and_names_of_nothing_are_done_or_refused_in_two_lines(reelq, tmp_path):
    faults = {}
    for path in BOUND:
        done = reelq(*words_of(path, tmp_path))
        faults[path] = refused(done, done.code, "") if done.code in (1, 2) else [] if done.code in (0, 3) else [str(done.code)]
    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_an_option_that_there_is_not_is_2(bare, path):
    assert refused(bare(*path.split()[1:], "--nope"), 2, "--nope") == []


@pytest.mark.parametrize("words", [["config", "show"], ["schema", "print"], ["--help"], ["jobs", "enqueue", "no_op"]])
def test_a_full_disk_is_a_line_and_a_hint(settings_env, words):
    command = ["sh", "-c", 'exec "$0" -m reelq.cli.main "$@" >/dev/full', sys.executable, *words]
    done = subprocess.run(command, env=settings_env, capture_output=True, text=True, check=False)
    first, hint = done.stderr.splitlines()
    assert (done.returncode, first) == (1, "reelq: stdout must be writable, not refuse with: no space left on device")
    assert hint.startswith("hint: What the command did is done")


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("s3://bucket/in/My clip #1.mp4", "My clip #1.mp4"),
        ("s3://bucket/100%25 real?.mp4", "100%25 real?.mp4"),
        ("s3://bucket/folder/", "folder"),
        ("https://example.com/a%20b.mp4?token=1#t=2", "a b.mp4"),
        ("https://example.com/", "example.com"),
    ],
)
def test_the_title_is_the_name_as_its_place_has_it(reelq, source, title):
    assert reelq("ingest", source, "--json").row["title"] == title


NAMES = ["clip #1.mp4", "what?.mp4", "100%25.mp4", "two\nlines.mp4", "it's \"it\".mp4", "漢字 😀.mp4", "-dash.mp4", "a\tb\x1b[31m.mp4"]


def test_a_file_of_any_name_comes_in_and_is_shown(reelq, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / name).write_bytes(b"x")
        made = reelq("ingest", "--json", "--", name).row
        assert (made["title"], made["source_url"]) == (name, str(tmp_path / name))
        shown = reelq("videos", "show", made["video_id"])
        assert shown.code == 0
        assert "\x1b" not in shown.out and "\t" not in shown.out and "\nlines.mp4" not in shown.out
