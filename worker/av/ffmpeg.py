"""ffmpeg and ffprobe: how they are called, and what their endings mean.

Nothing but this module knows their names. Every call is guarded (av/guards.py) and goes through
the sandbox; what comes back in an error is a sentence of ours, and their own words in `detail`.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelq.worker.av import allowlists
from reelq.worker.av.packets import Tally, Track
from reelq.worker.av.progress import EncodeProgress, Reader
from reelq.worker.errors import JobError, PermanentError, TransientError
from reelq.worker.sandbox.child import Ended, Limits, OnLine, run_child
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

PROBE_WALL_S = 120.0  # headers; slower than this means a sick disk
READ_BYTES_PER_S = 20e6  # the slowest disk on which counting packets is given time
STALL_S = 60.0
SHOWN = ["-show_format", "-show_streams", "-show_chapters", "-show_error"]
PACKET = ("stream_index", "pts_time", "dts_time", "duration_time", "flags")
DAMAGED = 69  # ffmpeg's exit code when more than -max_error_rate of the packets could not be decoded
MOST_THREADS = 8  # more cost memory (x264 keeps pictures for each) and speed a ladder up no further


@dataclass(frozen=True, slots=True)
class FFmpegRun:
    """What a run cost; `complaints` counts lines on stderr, where `-v error` only tells of damage."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    stderr_tail: str
    complaints: int


@dataclass(frozen=True, slots=True)
class FFmpeg:
    """ffmpeg and ffprobe under one attempt's settings; `on_ended` hears of every child."""

    settings: Settings
    stop: StopSignal
    on_ended: Callable[[Ended], None]

    @property
    def threads(self) -> int:
        """Threads of one ffmpeg."""
        return self.settings.ffmpeg_threads or min(cores(), MOST_THREADS)

    def version(self) -> str:
        """ffmpeg's version, as 5.1.9-0+deb12u1; asked once a process."""
        program = self.settings.ffmpeg or "ffmpeg"
        if program not in _versions:
            ended = self._run([program, "-version"], self.limits(PROBE_WALL_S), read=None, write=None, on_line=None)
            found = re.match(r"ffmpeg version (\S+)", ended.stdout)
            if ended.code != 0 or found is None:
                raise refuse(ended, "ffmpeg", TransientError("no_ffmpeg", "This worker's ffmpeg does not run."))
            _versions[program] = found[1]
        return _versions[program]

    def ask(self, program: str, option: str) -> Ended:
        """How `ffmpeg -encoders` or the like ended; `program` is ffmpeg or ffprobe. 127: there is none."""
        chosen = {"ffmpeg": self.settings.ffmpeg, "ffprobe": self.settings.ffprobe}[program] or program
        return self._run([chosen, "-hide_banner", option], self.limits(PROBE_WALL_S), read=None, write=None, on_line=None)

    def limits(self, wall_s: float) -> Limits:
        """The settings' limits, with a wall limit of `wall_s` and no stall limit."""
        return Limits(
            wall_s=wall_s,
            memory_bytes=self.settings.ffmpeg_memory_bytes,
            file_bytes=self.settings.ffmpeg_file_bytes,
            cpu_s=int(wall_s * (self.threads + 1)) + 1,
        )

    def probe(self, path: Path) -> dict[str, Any]:
        """Return ffprobe's JSON document of a file: format, streams, chapters, and `complaints`.

        Raises:
            PermanentError: "unreadable_media", "format_refused", "codec_refused", "too_many_pixels".
            TransientError: the host's trouble; see `refuse`.
        """
        ended = self._ffprobe(path, [*SHOWN, "-of", "json"], PROBE_WALL_S)
        return self._document(ended, ended.stdout)

    def read(self, path: Path) -> tuple[dict[str, Any], dict[int, Track]]:
        """`probe` and `packets` in one run: for files that we have made, half of what reading them costs."""
        tally = Tally()
        rest: list[str] = []
        within = False

        def take(line: str) -> bool:
            nonlocal within
            if line == '    "packets": [':
                within = True
            elif within and line.startswith("    ]"):
                within = False
            elif not within:
                rest.append(line)
            elif '"stream_index"' in line:  # in the compact form a packet is a line, and its side data lines of their own
                packet = json.loads(line.rstrip("}, ") + "}")
                tally.add(",".join(str(packet.get(name, "N/A")) for name in PACKET))
            return True

        wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
        shown = ["-show_entries", "packet=" + ",".join(PACKET), *SHOWN, "-of", "json=compact=1"]
        ended = self._ffprobe(path, shown, wall_s, take)
        return self._document(ended, "\n".join(rest)), tally.tracks

    def _document(self, ended: Ended, text: str) -> dict[str, Any]:
        document = _json(text)
        if not isinstance(document, dict) or "error" in document or not isinstance(document.get("streams"), list):
            raise refuse(ended, "ffprobe", PermanentError("unreadable_media", UNREADABLE, detail=ended.stderr_tail))
        document.get("format", {}).pop("filename", None)
        document["complaints"] = [line for line in ended.stderr_tail.splitlines() if line.strip()][-20:]
        return document

    def packets(self, path: Path, *options: str) -> dict[int, Track]:
        """Read every packet, decode none; `options` are for the demuxer. Errors as `probe`."""
        tally = Tally()
        entries = "packet=" + ",".join(PACKET)
        wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
        self._ffprobe(path, [*options, "-show_entries", entries, "-of", "csv=p=0"], wall_s, tally.add)
        return tally.tracks

    def _ffprobe(self, path: Path, options: list[str], wall_s: float, on_line: OnLine | None = None) -> Ended:
        argv = [self.settings.ffprobe or "ffprobe", "-v", "error", *allowlists.input_flags(), *options, f"file:{path}"]
        ended = self._run(argv, self.limits(wall_s), read=path.parent, write=None, on_line=on_line)
        if ended.code != 0 or ended.killed_for:
            raise refuse(ended, "ffprobe", PermanentError("unreadable_media", UNREADABLE, detail=ended.stderr_tail))
        return ended

    def run(
        self,
        args: Sequence[str],
        *,
        read: Path,
        write: Path,
        wall_s: float,
        on_line: OnLine | None = None,
        on_progress: Callable[[EncodeProgress], None] | None = None,
    ) -> tuple[FFmpegRun, str]:
        """Run ffmpeg with `args` after our own; returns what it cost and its stdout.

        With `on_progress` the stall limit holds, and stdout is ffmpeg's progress.

        Raises:
            PermanentError, TransientError: see `refuse`.
        """
        argv = [self.settings.ffmpeg or "ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-y"]
        limits = self.limits(wall_s)
        if on_progress is not None:
            argv += ["-progress", "pipe:1", "-stats_period", "0.5"]
            on_line = Reader(on_progress).take
            limits = replace(limits, stall_s=STALL_S)
        ended = self._run([*argv, *args], limits, read=read, write=write, on_line=on_line)
        if ended.code != 0 or ended.killed_for:
            raise refuse(ended, "ffmpeg", PermanentError("conversion_failed", FAILED, detail=ended.stderr_tail))
        complaints = len(ended.stderr_tail.splitlines())
        cost = FFmpegRun(ended.wall_seconds, ended.cpu_seconds, ended.peak_memory_bytes, ended.stderr_tail, complaints)
        return cost, ended.stdout

    def _run(self, argv: list[str], limits: Limits, *, read: Path | None, write: Path | None, on_line: OnLine | None) -> Ended:
        ended = run_child(
            argv, limits=limits, stop=self.stop, sandbox=self.settings.sandbox, read=read, write=write, on_line=on_line
        )
        self.on_ended(ended)
        return ended


_versions: dict[str, str] = {}  # by program

UNREADABLE = "The file is not a video, a picture or a sound that can be read."
FAILED = "The file could not be converted."

# What they print on the way out, and what it means to the owner of the file.
MEANINGS: tuple[tuple[str, str, str], ...] = (
    (r"exceeds specified max pixel count|Picture size \d+x\d+ is invalid", "too_many_pixels",
     f"The picture is too large: at most {allowlists.MAX_PIXELS:,} pixels are taken."),
    (r"(Format|Protocol) .{0,200}not on whitelist", "format_refused", "Files of this format are not taken."),
    (r"Codec .{0,200}not on whitelist", "codec_refused", "The file uses a codec that is not taken."),
    (r"Cannot allocate memory|malloc of size|std::bad_alloc", "memory_limit",
     "The file needs more memory than one file may use."),
    (r"File too large", "output_too_large", "The result would be larger than one file may be."),
    (r"moov atom not found", "unreadable_media", "The file has no index; it was probably cut off before its end."),
)  # fmt: skip


def refuse(ended: Ended, program: str, otherwise: JobError) -> JobError:
    """The error for a child that did not end well; `otherwise` when nothing tells more.

    PermanentError where the same file will end the same way, TransientError where it is this
    host's trouble: "no_ffmpeg", "too_slow", "stalled", "killed", "disk_full".
    """
    tail = ended.stderr_tail
    if ended.killed_for == "wall":
        return TransientError("too_slow", "The work took longer than it may.", detail=tail)
    if ended.killed_for == "stall":
        return TransientError("stalled", f"The work made no headway for {STALL_S:.0f} seconds.", detail=tail)
    if ended.killed_for == "stdout":
        return PermanentError("unreadable_media", UNREADABLE, detail="endless output of " + program)
    if ended.code == 127 or tail.startswith("bwrap: "):
        return TransientError("no_ffmpeg", f"This worker cannot run {program}.", detail=tail)
    if re.search(r"Unknown (en|de)coder|No such filter|Unrecognized option", tail):
        return TransientError("no_ffmpeg", f"This worker's {program} cannot do what is needed.", detail=tail)
    if "No space left on device" in tail:
        return TransientError("disk_full", "The worker's disk is full.", detail=tail)
    if ended.code == DAMAGED:
        return PermanentError("damaged", "Too much of the file is damaged.", detail=tail)
    if ended.code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
        return PermanentError("output_too_large", "The result would be larger than one file may be.", detail=tail)
    for pattern, code, message in MEANINGS:
        if re.search(pattern, tail):
            return PermanentError(code, message, detail=tail)
    if ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return TransientError("killed", f"{program} was killed; the host may be short of memory.", detail=tail)
    if ended.code < 0 or (ended.code > 128 and ended.code != 255):
        return PermanentError("decoder_crashed", "The file makes the decoder crash.", detail=tail)
    return otherwise


def _json(text: str) -> Any:
    """The document, None when it was cut off."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
