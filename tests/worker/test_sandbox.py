"""The sandbox: limits, kills and what is left behind, with real children."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from reelq.worker.errors import StopRequested
from reelq.worker.sandbox import child
from reelq.worker.sandbox.child import Limits, run_child
from reelq.worker.stop import StopSignal
from tests.patience import QUICK_S

MODES = ["off", pytest.param("bwrap", marks=pytest.mark.skipif(not child.bubble_works(), reason="no bubblewrap here"))]
PYTHON = "/usr/bin/python3"  # inside a bubble only the system's is to be seen
FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"

pytestmark = pytest.mark.skipif(not Path(PYTHON).exists(), reason="the children are Python scripts of the system's Python")


def limits(**changes: float) -> Limits:
    """Limits that suit a small Python script."""
    values = {"wall_s": 60.0, "memory_bytes": 2**30, "file_bytes": 2**24, **changes}
    return Limits(**values)  # type: ignore[arg-type]


def script(text: str) -> list[str]:
    """A child that runs `text`."""
    return [PYTHON, "-I", "-S", "-c", textwrap.dedent(text)]


def running(mark: str) -> list[int]:
    """Processes that have `mark` in their command line and do not only mention it to a launcher."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and alive(int(folder.name)):
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # gone between the listing and the look
            if mark.encode() in words:
                found.append(int(folder.name))
    return found


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid: int) -> bool:
    """Look every few milliseconds; a process of another's child sends us no event."""
    deadline = time.monotonic() + QUICK_S
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


@pytest.mark.parametrize("mode", MODES)
def test_output_code_and_cost_come_back(mode: str) -> None:
    """CPU seconds and memory are the program's own, also from inside a bubble."""
    ended = run_child(
        script("""
            import sys, time
            block = bytearray(200_000_000)
            while time.process_time() < 0.3: pass
            print("out"); print("err", file=sys.stderr); sys.exit(7)
        """),
        limits=limits(), stop=StopSignal(), sandbox=mode,
    )  # fmt: skip
    assert (ended.code, ended.stdout, ended.stderr_tail, ended.killed_for) == (7, "out\n", "err\n", None)
    assert ended.cpu_seconds > 0.1  # the kernel counts what a busy host takes away in its own way
    assert ended.peak_memory_bytes > 200_000_000


@pytest.mark.parametrize("mode", MODES)
def test_a_loud_child_is_drained_and_its_last_words_kept(mode: str) -> None:
    """More stderr than a pipe holds neither blocks the child nor fills our memory."""
    ended = run_child(
        script("import sys\nfor i in range(40000): print('line', i, file=sys.stderr)"),
        limits=limits(), stop=StopSignal(), sandbox=mode,
    )  # fmt: skip
    assert ended.code == 0
    assert len(ended.stderr_tail) == 64 * 1024
    assert ended.stderr_tail.endswith("line 39999\n")


@pytest.mark.parametrize("mode", MODES)
def test_the_environment_is_empty(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of the worker's environment reaches a child."""
    monkeypatch.setenv("REELQ_S3_SECRET_ACCESS_KEY", "secret")
    ended = run_child(script("import os; print(sorted(os.environ))"), limits=limits(), stop=StopSignal(), sandbox=mode)
    assert set(eval(ended.stdout)) <= {"PATH", "LANG", "PWD", "LC_CTYPE", "MALLOC_ARENA_MAX"}


@pytest.mark.parametrize("mode", MODES)
def test_memory_is_limited(mode: str) -> None:
    """Address space beyond the limit is refused to the child, and to nobody else."""
    ended = run_child(script("bytearray(400_000_000)"), limits=limits(memory_bytes=300_000_000), stop=StopSignal(), sandbox=mode)
    assert ended.code == 1
    assert "MemoryError" in ended.stderr_tail


@pytest.mark.parametrize("mode", MODES)
def test_cpu_time_is_limited(mode: str) -> None:
    """A child that computes for ever is killed by the kernel."""
    ended = run_child(script("while True: pass"), limits=limits(cpu_s=1), stop=StopSignal(), sandbox=mode)
    assert ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert ended.killed_for is None
    assert 0.3 < ended.cpu_seconds < 10


@pytest.mark.parametrize("mode", MODES)
def test_file_size_is_limited(mode: str, tmp_path: Path) -> None:
    """No file grows past the limit."""
    ended = run_child(
        script(f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(3_000_000))"),
        limits=limits(file_bytes=1_000_000), stop=StopSignal(), sandbox=mode, write=tmp_path,
    )  # fmt: skip
    assert ended.code != 0
    assert (tmp_path / "big").stat().st_size <= 1_000_000


@pytest.mark.parametrize("mode", MODES)
def test_no_core_files_few_descriptors_and_nice(mode: str) -> None:
    """The small limits are on."""
    ended = run_child(
        script("""
            import os, resource
            print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE), os.nice(0))
        """),
        limits=limits(), stop=StopSignal(), sandbox=mode,
    )  # fmt: skip
    assert ended.stdout.strip() == f"(0, 0) (256, 256) {min(19, os.nice(0) + child.NICE)}"


@pytest.mark.parametrize("mode", MODES)
def test_the_wall_limit_kills(mode: str) -> None:
    """A sleeping child is gone at the limit."""
    began = time.monotonic()
    ended = run_child(script(FOREVER), limits=limits(wall_s=0.5), stop=StopSignal(), sandbox=mode)
    assert ended.killed_for == "wall"
    assert time.monotonic() - began < QUICK_S


@pytest.mark.parametrize("mode", MODES)
def test_a_child_without_headway_is_killed_and_one_with_headway_is_not(mode: str) -> None:
    """The stall clock starts again with every line that says that there was headway."""
    lively = """
        import time
        for n in range(10):
            print(n, flush=True); time.sleep(0.3)
    """
    common = {"limits": limits(stall_s=2.0), "stop": StopSignal(), "sandbox": mode}
    assert run_child(script(lively), on_line=bool, **common).code == 0  # type: ignore[arg-type]
    ended = run_child(script(lively), on_line=lambda line: line == "0", **common)  # type: ignore[arg-type]
    assert ended.killed_for == "stall"


@pytest.mark.parametrize("mode", MODES)
def test_the_stop_signal_kills_the_whole_group_at_once(mode: str) -> None:
    """Grandchildren too; the slot gets StopRequested."""
    stop = StopSignal()
    mark = uuid4().hex
    family = f"""
        import os, time
        mark = "{mark}"
        if os.fork() == 0: time.sleep(600)
        print(os.getpid(), flush=True)
        time.sleep(600)
    """
    told: list[float] = []

    def on_line(line: str) -> bool:
        told.append(time.monotonic())
        threading.Thread(target=stop.set, args=("cancelled",)).start()
        return True

    with pytest.raises(StopRequested, match="cancelled"):
        run_child(script(family), limits=limits(), stop=stop, sandbox=mode, on_line=on_line)
    assert time.monotonic() - told[0] < QUICK_S
    assert all(wait_until_gone(pid) for pid in running(mark))


def test_a_signal_that_was_set_before_starts_nothing(tmp_path: Path) -> None:
    """No child is started for an attempt that is over."""
    stop = StopSignal()
    stop.set("shutdown")
    with pytest.raises(StopRequested):
        run_child(script(f"open({str(tmp_path / 'x')!r}, 'w')"), limits=limits(), stop=stop, sandbox="off")
    assert not (tmp_path / "x").exists()


def test_an_error_of_the_callers_function_ends_the_child_and_is_raised() -> None:
    """on_line runs in another thread; what it raises is not lost there."""

    def on_line(line: str) -> bool:
        raise LookupError(line)

    with pytest.raises(LookupError, match="up"):
        run_child(script(FOREVER), limits=limits(), stop=StopSignal(), sandbox="off", on_line=on_line)


def test_endless_stdout_is_cut() -> None:
    """What we keep of stdout is bounded."""
    ended = run_child(
        script("while True: print('x' * 1000)"), limits=limits(stdout_bytes=100_000), stop=StopSignal(), sandbox="off"
    )
    assert ended.killed_for == "stdout"


def test_a_program_that_is_not_there_is_told() -> None:
    """127, as in a shell, and nothing raised."""
    ended = run_child(["/nonexistent/ffmpeg"], limits=limits(), stop=StopSignal(), sandbox="off")
    assert ended.code == 127


@pytest.mark.parametrize("mode", MODES)
def test_children_die_with_a_worker_that_is_killed(mode: str, tmp_path: Path) -> None:
    """kill -9 of the parent, whose slot threads come and go: the child and its child are gone."""
    mark = uuid4().hex
    parent = r"""
        import os, sys, threading, time
        from reelq.worker.sandbox.child import Limits, run_child
        from reelq.worker.stop import StopSignal

        def slot(text):
            run_child([sys.argv[2], "-I", "-S", "-c", text], sandbox=sys.argv[1], stop=StopSignal(), on_line=say,
                      limits=Limits(wall_s=60, memory_bytes=2**30, file_bytes=2**20))

        def say(line):
            os.write(1, line.encode() + b"\n")  # in one piece, from two threads
            return True

        # A slot thread that ended before must not take a later slot's child along, nor keep it.
        first = threading.Thread(target=slot, args=("pass",)); first.start(); first.join()
        child = f"import time; print('up', flush=True); time.sleep(600)  # {sys.argv[3]}"
        for _ in range(2):
            threading.Thread(target=slot, args=(child,), daemon=True).start()
        threading.Event().wait(600)
    """
    environ = {**os.environ, "PYTHONPATH": str(Path(child.__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(parent), mode, PYTHON, mark],
        stdout=subprocess.PIPE,
        env=environ,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    with process.stdout:
        assert [process.stdout.readline() for _ in range(2)] == [b"up\n", b"up\n"]
        children = [pid for pid in running(mark) if pid != process.pid]
        assert len(children) >= 2
        process.kill()
        process.wait()
    assert all(wait_until_gone(pid) for pid in children)


@pytest.mark.parametrize("mode", MODES)
def test_a_program_from_elsewhere_is_found_by_the_workers_path(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ffmpeg from a wheel: a link in a folder on PATH to a program in another one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "wheel").mkdir()
    shutil.copy(shutil.which("echo") or "/bin/echo", tmp_path / "wheel" / "tool")
    (tmp_path / "bin" / "tool").symlink_to("../wheel/tool")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    ended = run_child(["tool", "here"], limits=limits(), stop=StopSignal(), sandbox=mode)
    assert (ended.code, ended.stdout) == (0, "here\n"), ended.stderr_tail


def test_a_bubble_shows_two_folders_and_no_network(tmp_path: Path) -> None:
    """A neighbour's file is not there, the input cannot be written, the loopback is empty."""
    if not child.bubble_works():
        pytest.skip("no bubblewrap here")
    read, write, other = tmp_path / "in", tmp_path / "out", tmp_path / "other"
    for folder in (read, write, other):
        folder.mkdir()
        (folder / "file").write_text("text")
    ended = run_child(
        script(f"""
            import os, socket
            print(os.path.exists({str(other)!r}), os.path.exists('/etc/passwd'), os.path.exists('/root'))
            print(open({str(read / 'file')!r}).read())
            open({str(write / 'made')!r}, 'w').write('made')
            for attempt in (lambda: open({str(read / 'file')!r}, 'w'), lambda: socket.create_connection(('1.1.1.1', 80), 2)):
                try: attempt()
                except OSError as error: print(type(error).__name__)
        """),
        limits=limits(), stop=StopSignal(), sandbox="bwrap", read=read, write=write,
    )  # fmt: skip
    assert ended.stdout.splitlines() == ["False False False", "text", "OSError", "OSError"], ended.stderr_tail
    assert (write / "made").read_text() == "made"
