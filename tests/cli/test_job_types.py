"""Job types of packages of their own, from the command line: found, listed, shown, synced, run; mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reelq.worker.runtime.registry import shipped_types

MODULE = '''
from dataclasses import dataclass
from typing import Annotated

from reelq import JobContext, PermanentError, Range, Retry, job_type


@dataclass(frozen=True, slots=True)
class Args:
    text: Annotated[str, "What to say."]
    times: Annotated[int, "How often.", Range(1, 9)] = 1


@job_type("shout", lease="2m", retry=Retry(base="5s", cap="1m"))
def shout(args: Args, ctx: JobContext) -> dict[str, object]:
    """Say it loudly."""
    if not args.text:
        raise PermanentError("nothing_to_say", "There is nothing to say.")
    return {"said": args.text.upper() * args.times}
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a module of its own and names it in REELQ_HANDLERS."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def make(content=MODULE, name="shouting"):
        (tmp_path / f"{name}.py").write_text(content)
        names.append(name)
        monkeypatch.setenv("REELQ_HANDLERS", ",".join(names))
        return name

    yield make
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def worker(settings_env, tmp_path):
    """A worker process with those handlers that works until nothing is left. In this one it would set up the log anew."""

    def run(*words):
        command = [sys.executable, "-m", "reelq.cli.main", "worker", "run", "--until-idle", *words]
        environ = {**settings_env, "REELQ_HANDLERS": "shouting", "PYTHONPATH": f"{settings_env['PYTHONPATH']}:{tmp_path}"}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def mine(reelq, package):
    """reelq(*words) with a job type of its own."""
    package()
    return reelq


def test_a_type_of_ones_own_from_nothing_to_its_result(mine, worker):
    done = mine("jobs", "enqueue", "shout")
    assert (done.code, "no job type 'shout'" in done.err) == (2, True)
    refused = worker()
    assert refused.returncode == 2
    assert "reelq: no job type 'shout'\nhint: A handler of your own whose type has no row yet: run reelq job-types sync." in refused.stderr
    assert mine("job-types", "sync").code == 0
    job = mine("jobs", "enqueue", "shout", "--data", '{"text": "hey", "times": 2}').out.strip()
    assert worker("--types", "shout").returncode == 0
    assert mine("jobs", "show", job, "--json").row["result_data"] == {"said": "HEYHEY"}


def test_list_says_which_types_have_a_handler_here(mine, conn):
    conn.execute("insert into queue.job_types (job_type, description) values ('elsewhere', 'Of another installation.')")
    done = mine("job-types", "list", "--json")
    shipped = dict.fromkeys(shipped_types(), "shipped")
    assert {row["job_type"]: row["handler"] for row in done.rows} == {"elsewhere": None, **shipped}
    assert "shout has a handler (shouting) and no row: run reelq job-types sync" in done.err
    mine("job-types", "sync")
    lines = mine("job-types", "list").out.splitlines()
    assert lines[0].split()[:3] == ["TYPE", "HANDLER", "HERE"]
    assert [line.split()[1] for line in lines if line.startswith(("shout", "elsewhere", "no_op"))] == ["-", "shipped", "shouting"]


def test_show_tells_arguments_defaults_retries_and_an_example(mine):
    mine("job-types", "sync")
    done = mine("job-types", "show", "shout", "--json").row
    assert (done["lease"], done["handler"], done["example"]) == (120, "shouting", {"text": "text", "times": 1})
    assert done["retry"][0] | {"factor": 2} == {
        "job_type": "shout", "error_class": "transient", "code": "*", "action": "retry", "base": 5, "factor": 2, "cap": 60,
        "jitter": "full", "charges": True,
    }  # fmt: skip
    text = mine("job-types", "show", "shout").out
    assert "reelq jobs enqueue shout --data '{\"text\": \"text\", \"times\": 1}'" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["times", "integer", "from", "1", "to", "9", "1", "How", "often."] in rows
    assert ["text", "string", "required", "What", "to", "say."] in rows


def test_show_without_a_handler_tells_what_was_synced(mine, monkeypatch):
    mine("job-types", "sync")
    monkeypatch.delenv("REELQ_HANDLERS")
    done = mine("job-types", "show", "shout", "--json").row
    assert (done["handler"], list(done["options_schema"]["properties"])) == (None, ["text", "times"])
    assert mine("job-types", "show", "nope").code == 2


def test_every_example_is_taken(reelq):
    for row in reelq("job-types", "list", "--json").rows:
        shown = reelq("job-types", "show", row["job_type"], "--json").row
        assert shown["example"] is not None
        assert reelq("jobs", "enqueue", row["job_type"], "--data", json.dumps(shown["example"])).code == 0


def test_sync_tells_what_it_did_and_keeps_what_was_changed_by_hand(mine, conn):
    dry = mine("job-types", "sync", "--dry-run", "--json")
    assert {row["action"] for row in dry.rows} == {"added"}
    assert conn.execute("select count(*) from queue.job_types where job_type = 'shout'").fetchone() == (0,)
    assert mine("job-types", "sync", "--json").rows == dry.rows
    again = mine("job-types", "sync")
    assert (again.out, again.err) == ("", "shout: all as declared\n")
    conn.execute("update queue.job_types set lease = '1 hour' where job_type = 'shout'")
    (kept,) = mine("job-types", "sync", "--json").rows
    assert kept == {"job_type": "shout", "name": "lease", "old_value": "01:00:00", "new_value": "00:02:00", "action": "kept"}
    assert mine("job-types", "sync", "--overwrite", "--json").row["action"] == "changed"


def test_sync_tells_which_waiting_jobs_the_new_arguments_refuse(mine, package, conn):
    mine("job-types", "sync")
    first = mine("jobs", "enqueue", "shout", "--data", '{"text": "a", "times": 7}').out.strip()
    mine("jobs", "enqueue", "shout", "--data", '{"text": "a", "times": 2}')
    mine("jobs", "enqueue", "shout", "--data", '{"text": "a", "times": 9}', "--at", "+1h")
    sys.modules.pop("shouting")
    package(MODULE.replace("Range(1, 9)", "Range(1, 5)"))
    dry = mine("job-types", "sync", "--dry-run", "--json")
    assert [(row["name"], row["new_value"], row["action"]) for row in dry.rows] == [("options_schema", None, "changed"), ("waiting jobs", "2", "refused")]
    assert conn.execute("select options_schema -> 'properties' -> 'times' ->> 'maximum' from queue.job_types where job_type = 'shout'").fetchone() == ("9",)
    done = mine("job-types", "sync")
    assert f"2 waiting jobs of shout will fail with bad_job_data, such as {first}: times must be" in done.err
    assert "reelq jobs cancel" in done.err and done.err.splitlines()[-1] == "shout: 0 added, 1 changed, 0 removed, 0 kept"
    assert mine("job-types", "sync").err == "shout: all as declared\n"


def test_sync_without_a_handler_of_ones_own_says_how_to_get_one(reelq):
    done = reelq("job-types", "sync")
    assert (done.code, done.out, "REELQ_HANDLERS" in done.err) == (0, "", True)


OTHER = MODULE.replace("def shout", "def cry")


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ([], "REELQ_HANDLERS: nowhere: cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        (["import numpie"], "REELQ_HANDLERS: a0: cannot be imported: ModuleNotFoundError: No module named 'numpie' (a0.py, line 1)"),
        (["x = ("], "REELQ_HANDLERS: a0: cannot be imported: SyntaxError: '(' was never closed (a0.py, line 1)"),
        (["\n1 / 0"], "REELQ_HANDLERS: a0: cannot be imported: ZeroDivisionError: division by zero (a0.py, line 2)"),
        (["import sys; sys.exit(3)"], "REELQ_HANDLERS: a0: cannot be imported: SystemExit: 3 (a0.py, line 1)"),
        (["raise KeyboardInterrupt"], "REELQ_HANDLERS: a0: cannot be imported: KeyboardInterrupt (a0.py, line 1)"),
        (["class Odd(BaseException): ...\nraise Odd('x')"], "REELQ_HANDLERS: a0: cannot be imported: Odd: x (a0.py, line 2)"),
        ([MODULE.replace('("shout", lease="2m", retry=Retry(base="5s", cap="1m"))', "")],
         'REELQ_HANDLERS: a0: @job_type must have the name of a job type, as @job_type("shout"), not shout'),
        ([MODULE + "\nshout = None"], "REELQ_HANDLERS: a0: job type 'shout': its function is not in the module under a name of its own: "
         "another def took the name, or a decorator above @job_type hides it"),
        (["x = 1"], "REELQ_HANDLERS: a0: there is no function under @job_type in it"),
        ([MODULE.replace('"shout"', '"no_op"')], "REELQ_HANDLERS: a0: job type 'no_op' comes with reelq; choose another name"),
        ([MODULE.replace('"2m"', '"soon"')], "REELQ_HANDLERS: a0: job type 'shout': lease must be a time above zero such as 2s, 15m or 1h, not 'soon'"),
        ([MODULE, OTHER], "REELQ_HANDLERS: a1: job type 'shout' has a handler already, a0.shout (REELQ_HANDLERS: a0)"),
    ],
)
def test_a_mistake_is_one_line_and_2(reelq, package, monkeypatch, contents, words):
    for number, content in enumerate(contents):
        package(content, f"a{number}")
    if not contents:
        monkeypatch.setenv("REELQ_HANDLERS", "nowhere")
    for command in (("job-types", "list"), ("job-types", "sync")):
        done = reelq(*command)
        assert (done.code, done.out) == (2, "")
        told, hint = done.err.splitlines()
        assert told == f"reelq: {words}" and hint.startswith("hint: ")


@pytest.mark.parametrize("name", ["myapp.jobs:fn", "myapp/jobs.py", "jobs.py", ".jobs", "my-app"])
def test_what_is_no_name_of_a_module_is_told(reelq, monkeypatch, name):
    monkeypatch.setenv("REELQ_HANDLERS", name)
    done = reelq("job-types", "sync")
    words = "it must be the name of a module, such as myapp.jobs: no file, and no function of it"
    assert (done.code, done.err.splitlines()[0]) == (2, f"reelq: REELQ_HANDLERS: {name}: {words}")


def test_what_a_module_prints_is_not_among_the_data(reelq, package):
    package("print('loading the model')\n" + MODULE)
    done = reelq("job-types", "list", "--json")
    assert (done.code, "loading the model" in done.err) == (0, True)
    assert all(isinstance(json.loads(line), dict) for line in done.out.splitlines())


def test_the_doctor_looks_at_handlers(reelq, package, conn, monkeypatch):
    def said(*words):
        return [(row["level"], row["detail"], row["remedy"]) for row in reelq("doctor", "--json", *words).rows if row["finding"] == "handlers"]

    assert said("--only", "database") == []
    package()
    assert said("--only", "host") == [("ok", "Of your own: shout (shouting)", None)]
    sync = "As the owner of the schema: reelq job-types sync"
    assert said("--only", "database") == [
        ("bad", "No row for shout: no worker starts with them, and nobody can enqueue them", sync)
    ]
    reelq("job-types", "sync")
    assert said("--only", "database") == [("ok", "Every job type of your own has its row", None)]
    conn.execute("update queue.job_types set options_schema = '{}' where job_type = 'shout'")
    assert said("--only", "database") == [("warn", "Other arguments in the database than the handler here takes: shout", sync)]
    monkeypatch.setenv("REELQ_HANDLERS", "nowhere,shouting,also.nowhere")
    told = said("--only", "host")
    assert [level for level, _, _ in told] == ["bad", "bad"]
    assert [detail.split(": ")[1] for _, detail, _ in told] == ["nowhere", "also.nowhere"] and told[0][2]


def test_a_star_brings_the_face_and_nothing_else():
    brought: dict[str, object] = {}
    exec("from reelq import *", brought)
    import reelq

    assert brought.keys() - {"__builtins__"} == reelq.FACE.keys() - {"__version__"}


def test_a_worker_tells_such_a_mistake_and_nothing_else(worker, package):
    package("import numpie")
    done = worker()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "reelq: REELQ_HANDLERS: shouting: cannot be imported: ModuleNotFoundError: No module named 'numpie' (shouting.py, line 1)",
        "hint: docs/jobs.md shows a module of job types that works",
    ]


def test_one_function_by_two_ways_is_one_handler(reelq, package, monkeypatch):
    package()
    package("from shouting import shout", "again")
    assert reelq("job-types", "sync", "--dry-run").code == 0


def test_an_entry_point_is_found(reelq, tmp_path, package, monkeypatch):
    package()
    monkeypatch.delenv("REELQ_HANDLERS")
    info = tmp_path / "shouting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reelq.handlers]\nshouting = shouting\n")
    assert reelq("job-types", "sync", "--json").rows[0]["job_type"] == "shout"
    (info / "entry_points.txt").write_text("[reelq.handlers]\nshouting = shouting:gone\n")
    done = reelq("job-types", "sync")
    assert (done.code, "entry point shouting (shouting:gone): cannot be imported: AttributeError" in done.err) == (2, True)


def test_a_type_without_a_handler_says_how_to_get_one(worker, package):
    package()
    done = worker("--types", "shouts")
    assert done.returncode == 2
    for word in ("no handler for job type shouts; there are deliver_webhook", "REELQ_HANDLERS", "reelq.handlers", "reelq job-types list"):
        assert word in done.stderr


def test_the_wrong_role_is_told(mine, conn, dsn, monkeypatch):
    conn.execute("drop role if exists only_works")
    conn.execute("create role only_works login in role reelq_worker")
    try:
        done = mine("--database-url", dsn.replace("postgres@", "only_works@"), "job-types", "sync")
        assert (done.code, done.err.splitlines()) == (1, [
            "reelq: permission denied for function sync_job_type", "hint: needs the owner of the schema: connect as that role",
        ])  # fmt: skip
        assert mine("--database-url", dsn.replace("postgres@", "only_works@"), "job-types", "list").code == 0
    finally:
        conn.execute("drop role only_works")


def test_the_folder_of_the_command_counts(reelq, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "in_this_folder.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one not in ("", str(Path.cwd()))])
    monkeypatch.setenv("REELQ_HANDLERS", "in_this_folder")
    assert reelq("job-types", "sync", "--dry-run").code == 0
    sys.modules.pop("in_this_folder")
