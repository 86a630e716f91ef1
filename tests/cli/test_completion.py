"""Completion, as bash, zsh and fish run it: what the database knows is offered, and nothing, in silence, when it does not answer."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BREAKS = "$' \\t\\n\"'\\''><=;|&(:'"  # bash's own, with the colon


AWAY = ["postgresql://127.0.0.1:1/x", "nonsense", "postgresql://nobody:secret@127.0.0.1:1/x?connect_timeout=9"]
ZSH = """PS1='' PROMPT_EOL_MARK=''; autoload -U compinit; compinit -D -u; source {script}
show() {{ print -r -- "<<$BUFFER>>"; exit }}; zle -N show; bindkey '^X' show; bindkey '^I' expand-or-complete
"""


@pytest.fixture
def folder(tmp_path):
    """A program `reelq` that keeps in `told` what it says on stderr, whatever the shell does with that."""
    program = tmp_path / "bin" / "reelq"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reelq.cli.main "$@" 2>>{tmp_path}/told\n')
    program.chmod(0o755)
    yield tmp_path
    assert not (tmp_path / "told").exists() or (tmp_path / "told").read_text() == ""


@pytest.fixture
def environ(folder, dsn):
    return {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "DATABASE_URL": dsn, "HOME": str(folder), "TERM": "dumb"}


def script(reelq, folder: Path, shell: str) -> Path:
    """The completion of a shell, in a file."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    path = folder / f"reelq.{shell}"
    path.write_text(reelq("completion", shell).out)
    return path


@pytest.fixture
def complete(reelq, folder, environ):
    """complete(line, url): what bash offers after the line."""
    path = script(reelq, folder, "bash")

    def run(line: str, url: str | None = None) -> list[str]:
        words = f'source {path}; COMP_WORDBREAKS={BREAKS}; COMP_LINE=$1; COMP_POINT=${{#1}}; _reelq_completion reelq; printf "%s\\n" "${{COMPREPLY[@]}}"'
        env = environ | ({"DATABASE_URL": url} if url else {})
        done = subprocess.run(["bash", "--norc", "-c", words, "bash", line], capture_output=True, text=True, check=True, env=env)
        assert done.stderr == ""
        return done.stdout.split()

    return run


def in_fish(path: Path, line: str, environ: dict[str, str]) -> list[str]:
    """What fish offers after the line, without descriptions."""
    done = subprocess.run(["fish", "-N", "-c", f"source {path}; complete -C $argv", line], capture_output=True, text=True, check=True, env=environ)
    assert done.stderr == ""
    return [one.partition("\t")[0] for one in done.stdout.splitlines()]


def in_zsh(path: Path, line: str, environ: dict[str, str]) -> list[str]:
    """The word that zsh makes of the last one of the line, on a terminal, when TAB is pressed."""
    terminal, theirs = pty.openpty()
    zsh = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True)
    os.close(theirs)
    told = b""
    os.write(terminal, (ZSH.format(script=path) + line + "\t\x18").encode())
    try:
        while part := os.read(terminal, 65536):
            told += part
    except OSError:
        pass  # it has gone
    zsh.wait(60)
    os.close(terminal)
    (made,) = re.findall("<<(.*?)>>", told.decode().replace("\r\n", ""))[-1:]
    word = str(made).rstrip().rpartition(" ")[2]
    return [] if made == line else [word]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_zsh_and_fish_make_the_same_of_it(reelq, clip, conn, folder, environ, shell):
    """Words with = and : are offered whole, and what a title holds is no part of a word."""
    assert reelq("tenants", "create", "acme").code == 0
    conn.execute("update identity.tenants set name = %s where slug = 'acme'", ["Acme: Films,\nand more"])  # one of before is not refused
    video = reelq("ingest", clip, "--json", "--title", "a\nplain\n,: b\x1b[31m").row["video_id"]
    conn.execute("select queue.register_worker('enc1:gpu:1:ab', 'enc1', 1, '0', 'gpu', 1, null, '{}')")
    path, run = script(reelq, folder, shell), {"zsh": in_zsh, "fish": in_fish}[shell]
    for line, offered in {
        "reelq jobs enqueue video": "video_transcode",
        "reelq jobs list --type extr": "extract_metadata",
        "reelq jobs list --type=extr": "--type=extract_metadata",
        "reelq tenants suspend a": "acme",
        f"reelq videos show {video[:13]}": video,
        "reelq workers drain enc1:g": "enc1:gpu:1:ab",
        "reelq queue set-limit type:no": "type:no_op",
        "reelq videos list --status fai": "failed",
        f"reelq ingest {folder}/cl": f"{clip}",
    }.items():
        assert run(path, line, environ) == [offered], line


@pytest.mark.parametrize("url", AWAY)
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_without_a_database_they_offer_nothing_in_silence(reelq, folder, environ, shell, url):
    path, run = script(reelq, folder, shell), {"zsh": in_zsh, "fish": in_fish}[shell]
    environ["DATABASE_URL"] = url
    assert run(path, "reelq jobs enqueue video", environ) == []
    assert run(path, "reelq videos list --status fai", environ) == ["failed"]


def test_what_the_database_knows_is_offered(complete, reelq, clip, conn):
    reelq("tenants", "create", "acme")
    video = reelq("ingest", clip, "--json").row["video_id"]
    job = reelq("jobs", "enqueue", "no_op", "--json").row["job_id"]
    conn.execute("select queue.register_worker('enc1:gpu:1:ab', 'enc1', 1, '0', 'gpu', 1, null, '{}')")
    assert complete("reelq jobs enqueue video") == ["video_transcode"]
    assert complete("reelq jobs list --type=extr") == ["extract_metadata"]
    assert complete("reelq pipelines graph ") == ["standard"]
    assert complete("reelq tenants suspend a") == ["acme"]
    assert complete("reelq videos show ") == [video]
    assert job in complete(f"reelq jobs show {job[:13]}")
    assert complete("reelq workers drain --pool ") == ["gpu"]
    # bash begins a new word at a colon: what stands before it is not said again.
    assert complete("reelq workers drain enc1:g") == ["gpu:1:ab"]
    assert "no_op" in complete("reelq queue set-limit type:")
    assert complete("reelq queue pause tenant ac") == ["acme"]
    assert complete("reelq jo") == ["jobs", "job-types"]


@pytest.mark.parametrize("url", AWAY)
def test_without_a_database_nothing_is_offered_in_silence(complete, url):
    assert complete("reelq jobs enqueue v", url) == []
    assert complete("reelq videos list --status f", url) == ["failed"]
