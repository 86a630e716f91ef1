"""ffmpeg run by hand: the worker's own command with other paths, and one command a rendition."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.place import child_environ
from reelq.worker.av.encode import ffmpeg_args, ladder
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe import rates
from reelq.worker.av.probe.probe import measure
from reelq.worker.sandbox import bubblewrap
from reelq.worker.sandbox.child import NICE, bubble_wanted
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

CLIP_WALL_S = 600.0
FIRST = ["-nostdin", "-hide_banner", "-v", "error", "-y"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took."""

    wall_s: float
    cpu_s: float


def tools(settings: Settings) -> FFmpeg:
    """ffmpeg under the worker's settings, without a stop signal."""
    return FFmpeg(settings, StopSignal(), lambda _ended: None)


def make_clip(settings: Settings, folder: Path, seconds: int, size: str) -> Path:
    """Moving patterns and a tone, as H.264 and AAC."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / f"clip-{size}-{seconds}s.mp4"
    picture, sound = (
        f"testsrc2=s={size}:r=30:d={seconds}",
        f"sine=frequency=330:beep_factor=4:sample_rate=48000:duration={seconds}",
    )
    given = [
        "-f",
        "lavfi",
        "-i",
        picture,
        "-f",
        "lavfi",
        "-i",
        sound,
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-pix_fmt",
        "yuv420p",
    ]
    given += ["-c:a", "aac", "-movflags", "+faststart", f"file:{clip}"]
    tools(settings).run(given, read=folder, write=folder, wall_s=CLIP_WALL_S)
    return clip


def moved(command: Iterable[str], source: Path, output: Path) -> list[str]:
    """A command whose first file is `source` and whose other files lie in `output`."""
    words, files = [], 0
    for word in command:
        if word.startswith("file:"):
            files += 1
            words.append(f"file:{source}" if files == 1 else f"file:{output / Path(word).name}")
        else:
            words.append(word)
    return words


def one_each(settings: Settings, source: Path, output: Path) -> list[list[str]]:
    """A command a rendition: each decodes the source again. Otherwise the options are the ladder's."""
    ours = tools(settings)
    measured, _, source = measure(ours, source, output)
    if measured.video is None:
        raise ValueError(f"{source} has no picture")
    rate = rates.for_output(measured.video.rate)
    program = shutil.which(settings.ffmpeg or "ffmpeg") or "ffmpeg"
    commands = []
    for rung in ladder.plan(measured.video.width, measured.video.height, rate):
        arguments = ffmpeg_args.ladder(
            source, measured, [rung], {rung.profile: output / f"{rung.profile}.mp4"}, rate=rate, crf=ladder.DEFAULT_CRF,
            preset=settings.ffmpeg_preset, threads=ours.threads,
        )  # fmt: skip
        commands.append([program, *FIRST, "-progress", "pipe:1", "-stats_period", "0.5", *arguments])
    return commands


def run(settings: Settings, commands: Iterable[list[str]], source: Path, output: Path) -> Cost:
    """Run commands one after another at the worker's niceness, in its sandbox if the settings say so."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for command in commands:
        line = bubblewrap.wrap(command, read=source.parent, write=output) if bubble_wanted(settings.sandbox) else command
        subprocess.run(
            ["nice", "-n", str(NICE), *line],
            check=True,
            cwd=output,
            env=child_environ({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu)


def running(program: str, folder: Path) -> list[str] | None:
    """The command line of an ffmpeg that encodes below `folder` now, as the kernel tells it."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if words and words[0] == program and any(str(folder) in word for word in words) and "libx264" in words:
            return words
    return None
