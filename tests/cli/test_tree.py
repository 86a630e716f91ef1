"""The tree of commands: every one has examples, every option its help, --help is quick, shells complete."""

from __future__ import annotations

import shutil
import subprocess
import sys

import click
import pytest

from reelq.cli import videos
from reelq.cli.jobs import commands
from reelq.cli.main import COMMANDS, cli
from reelq.worker.db import schema
from reelq.worker.rooms import queue
from tools import reference

EVERY = list(reference.commands(cli))
LEAVES = [(path, context) for path, context in EVERY if not isinstance(context.command, click.Group)]
WITHOUT_DATA = {"reelq completion", "reelq schema print", "reelq worker run", "reelq periodic run"}  # what they print is not rows


@pytest.mark.parametrize(("path", "context"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_command_has_examples_and_help_for_every_option(path, context):
    assert "Examples:\n" in (context.command.help or ""), f"{path} --help shows no examples"
    options = [one for one in context.command.params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []


@pytest.mark.parametrize(("path", "context"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_command_that_prints_data_has_json(path, context):
    flags = [flag for one in context.command.params for flag in one.opts]
    assert "--json" in flags or path in WITHOUT_DATA


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_of_the_table_is_that_of_the_command(name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert (command.name, command.get_short_help_str(limit=100)) == (name, COMMANDS[name][1])


def test_help_loads_neither_driver_nor_tables():
    """What makes --help and completion quick: 0.1 s instead of 0.5 s."""
    code = (
        "import sys; from reelq.cli.main import main; code = main(['--help']);"
        "heavy = {'psycopg', 'rich', 'boto3', 'httpx', 'structlog'} & sys.modules.keys();"
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_choices_are_those_of_the_database():
    assert commands.STATUSES == queue.STATUSES


def test_statuses_of_videos_are_those_of_the_check(conn):
    (definition,) = conn.execute(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'media.videos'::regclass and conname like 'status%known'"
    ).fetchone()
    for status in videos.STATUSES:
        assert f"'{status}'" in definition


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(bare, shell):
    done = bare("completion", shell)
    assert done.code == 0
    assert f"{shell}_complete" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.out, text=True, check=True)


def test_shells_are_offered_commands_and_choices(monkeypatch, capsys):
    def offered(words: str, number: int) -> str:
        monkeypatch.setenv("_REELQ_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(number))
        with pytest.raises(SystemExit):
            cli.main(prog_name="reelq")
        return capsys.readouterr().out

    assert offered("reelq jo", 1).split() == ["plain,jobs", "plain,job-types"]
    assert "plain,failed" in offered("reelq jobs list --status ", 4).split()
    assert "plain,tail" in offered("reelq jobs ", 2).split()


def test_reference_is_current():
    path = schema.ROOT.parent / "docs" / "reference.md"
    current = path.read_text(encoding="utf-8")
    assert current == reference.reference(), "run: python -m tools.reference > docs/reference.md"
