"""What reelq doctor asks of ffmpeg is what worker.av uses: names in its strings that ffmpeg knows as filters and encoders."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reelq.worker.av import allowlists, ffmpeg

AV = Path(ffmpeg.__file__).parent
# Words in worker.av that are also names of filters, and mean something else there.
OTHER_MEANING = {"colorspace", "copy", "null"}


def strings() -> set[str]:
    """The words in all string literals of worker.av, docstrings and the lists themselves left out."""
    words: set[str] = set()
    for path in AV.rglob("*.py"):
        if path.name == "allowlists.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        skipped = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                words |= {re.split("=", part)[0] for part in re.split(r"[,;\[\]]", node.value)}
    return words


def known(option: str) -> set[str]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    told = subprocess.run(["ffmpeg", "-hide_banner", option], capture_output=True, text=True, check=True).stdout
    return {line.split()[1] for line in told.splitlines() if len(line.split()) > 1}


def test_every_filter_that_is_used_is_asked_for():
    assert (strings() & known("-filters")) - OTHER_MEANING == allowlists.REQUIRED_FILTERS | allowlists.HDR_FILTERS


def test_every_encoder_that_is_used_is_asked_for():
    assert {"libx264", "aac", "mjpeg"} == allowlists.REQUIRED_ENCODERS
    assert strings() >= allowlists.REQUIRED_ENCODERS


def test_decoders_that_are_asked_for_may_be_used():
    assert set(allowlists.DECODERS) >= allowlists.USUAL_DECODERS.union(*allowlists.ALTERNATIVE_DECODERS)
