"""Every payload that is shown anywhere is one that its job type takes: in the documents, in --help, in hints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reelq.cli.app import key_values
from reelq.cli.main import cli
from reelq.worker.errors import PermanentError
from reelq.worker.runtime import registry
from tools import reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sql").rglob("*.md"), ROOT / "systemd" / "README.md"]
SQL = sorted((ROOT / "sql" / "functions").rglob("*.sql"))
OBJECT = r"(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})"  # braces within braces within braces
TYPE = r"([a-z][a-z0-9_]*)"
WAYS = (
    rf"jobs enqueue {TYPE}[^\n]*? --data '?{OBJECT}",
    rf"schedules add [^\n]*?--(?:type|job) {TYPE}[^\n]*? --data '?{OBJECT}",
    rf"enqueue_job\('{TYPE}'[^;]*?job_data => '{OBJECT}",
    rf"^>> {TYPE}\t{OBJECT}",
)
MENTION = re.compile(r"""job_data(?:"?:| =>) *'?\{(?=["}])|--data '?\{""")  # every payload begins like this
OWN = {"README.md", "docs/jobs.md", "sql/README.md"}  # tutorials of types that are not shipped: their own tests run them word for word


class Payload(NamedTuple):
    """A payload and where it stands."""

    where: str
    job_type: str
    job_data: dict[str, Any]


def payloads(where: str, text: str) -> list[Payload]:
    """All of a text. What is no JSON is a mistake of the text."""
    found = [Payload(where, kind, json.loads(data)) for way in WAYS for kind, data in re.findall(way, text, re.MULTILINE)]
    for spec in re.findall(OBJECT, text):
        if re.match(r'\{"(?:job_type|ref)": "', spec):
            read = json.loads(spec)
            found += [Payload(where, read["job_type"], read["job_data"])] if "job_data" in read else []
    return found


def options(text: str) -> list[tuple[str, dict[str, Any]]]:
    """What `ingest --option STEP.KEY=VALUE` gives to which step."""
    pairs = re.findall(r"--option ([a-z_]+\.[a-z_]+=[^\s`'\"]+)", text)
    return [(step, data) for pair in pairs for step, data in key_values(None, None, (pair.rstrip(",.;"),)).items()]  # type: ignore[arg-type]


def texts() -> list[tuple[str, str]]:
    """Every text that people read."""
    pages = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in [*PAGES, *SQL]]
    return pages + [(f"{name} --help", context.command.help or "") for name, context in reference.commands(cli)]


EVERY = [one for where, text in texts() for one in payloads(where, text)]
SHIPPED = registry.shipped()
OURS = [one for one in EVERY if one.job_type in SHIPPED.types]


@pytest.mark.parametrize("one", OURS, ids=lambda one: f"{one.where}:{one.job_type}")
def test_a_payload_is_what_its_type_takes(one: Payload) -> None:
    SHIPPED.find(one.job_type).parse(one.job_data)


def test_every_payload_is_enqueued(reelq: Any) -> None:
    for one in OURS:
        done = reelq("jobs", "enqueue", one.job_type, "--data", json.dumps(one.job_data))
        assert done.code == 0, f"{one}: {done.err}"


def test_payloads_of_other_types_stand_where_they_are_run() -> None:
    assert {one.where for one in EVERY if one not in OURS} <= OWN


def test_options_of_the_pipeline_are_what_its_steps_take(conn: Any) -> None:
    steps = dict(conn.execute("select step, job_type from queue.pipeline_steps where pipeline = 'standard'").fetchall())
    shown = [(where, step, data) for where, text in texts() for step, data in options(text)]
    assert len(shown) > 1
    for where, step, data in shown:
        assert step in steps, f"{where}: no step {step}"
        SHIPPED.find(steps[step]).parse(data)


def test_no_payload_is_overlooked() -> None:
    for where, text in texts():
        assert len(payloads(where, text)) >= len(MENTION.findall(re.sub(r"^.*reelq events emit.*$", "", text, flags=re.MULTILINE))), where
    assert len(OURS) > 5


def test_a_wrong_payload_would_be_found() -> None:
    shown = """
    reelq jobs enqueue no_op --data '{"seconds": 3}' --at +15m
    => select enqueue_job('no_op', job_data => '{"seconds": 3}', priority => 2);
    [{"ref": "a", "job_type": "no_op", "job_data": {"seconds": 3}}]
    """
    found = payloads("here", shown)
    assert len(found) == 3
    for one in found:
        with pytest.raises(PermanentError, match="seconds is unknown"):
            SHIPPED.find(one.job_type).parse(one.job_data)
