"""ffmpeg and ffprobe: how they are called, and what their endings mean.

No other module calls them. Every call carries the allow-lists (av/allowlists.py) and goes through
the sandbox. An error has one of our sentences as message, and what the program printed as `detail`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelq.worker.av import allowlists
from reelq.worker.av.packets import Tally, Track
from reelq.worker.av.progress import EncodeProgress, Reader
from reelq.worker.errors import JobError, PermanentError, StopRequested, TransientError
from reelq.worker.sandbox.child import Ended, Limits, OnLine, run_child
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

PROBE_WALL_S = 120.0  # it reads headers; slower than this means a failing disk
READ_BYTES_PER_S = 20e6  # the slowest disk on which counting packets is given time
STALL_S = 60.0
SHOWN = ["-show_format", "-show_streams", "-show_chapters", "-show_error"]
PACKET = ("stream_index", "pts_time", "dts_time", "duration_time", "flags")
PADDING = ("skip_samples", "discard_padding")
TOO_DAMAGED = "Too much of the file is damaged."
DAMAGED = 69  # ffmpeg's exit code when more than -max_error_rate of the packets could not be decoded
CROPPING = "-apply_cropping"
MOST_THREADS = 8  # more cost memory (x264 keeps pictures for each) and do not make a ladder faster


@dataclass(frozen=True, slots=True)
class FFmpegRun:
    """What a run cost; `complaints` counts lines on stderr, where `-v error` only tells of damage."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    stderr_tail: str
    complaints: int
    lost_packets: int = 0  # that no decoder could make anything of


@dataclass(frozen=True, slots=True)
class FFmpeg:
    """ffmpeg and ffprobe under one attempt's settings; `on_ended` is called with every child that ended."""

    settings: Settings
    stop: StopSignal
    on_ended: Callable[[Ended], None]

    @property
    def threads(self) -> int:
        """Threads of one ffmpeg."""
        return self.settings.ffmpeg_threads or min(cores(), MOST_THREADS)

    @property
    def _memory(self) -> int:
        return self.settings.ffmpeg_memory_bytes

    def version(self) -> str:
        """ffmpeg's version, as 5.1.9-0+deb12u1; asked once a process."""
        program = self.settings.ffmpeg or "ffmpeg"
        if program not in _versions:
            ended = self._run([program, "-version"], self.limits(PROBE_WALL_S), read=None, write=None, on_line=None)
            found = re.match(r"ffmpeg version (\S+)", ended.stdout)
            if ended.code != 0 or found is None:
                raise refuse(ended, "ffmpeg", TransientError("no_ffmpeg", "This worker's ffmpeg does not run."), self._memory)
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
            raise refuse(ended, "ffprobe", PermanentError("unreadable_media", UNREADABLE, detail=ended.stderr_tail), self._memory)
        document.get("format", {}).pop("filename", None)
        document["complaints"] = complaints_of(ended)[-20:]
        return document

    def packets(self, path: Path, *options: str) -> dict[int, Track]:
        """Read every packet, decode none; `options` are for the demuxer. Errors as `probe`."""
        tally = Tally()
        entries = "packet=" + ",".join(PACKET) + ":packet_side_data=" + ",".join(PADDING)
        wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
        self._ffprobe(path, [*options, "-show_entries", entries, "-of", "csv=p=0"], wall_s, tally.add)
        return tally.tracks

    def _ffprobe(self, path: Path, options: list[str], wall_s: float, on_line: OnLine | None = None) -> Ended:
        argv = [self.settings.ffprobe or "ffprobe", "-v", "error", *allowlists.probe_flags(), *options, f"file:{path}"]
        ended = self._run(argv, self.limits(wall_s), read=path.parent, write=None, on_line=on_line)
        if ended.code != 0 or ended.killed_for:
            raise refuse(ended, "ffprobe", PermanentError("unreadable_media", UNREADABLE, detail=ended.stderr_tail), self._memory)
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
        losses = Losses()
        ended = self._run([*argv, *self._uncropped(args)], limits, read=read, write=write, on_line=on_line, on_error_line=losses.take)
        if ended.code != 0 or ended.killed_for:
            raise refuse(ended, "ffmpeg", PermanentError("conversion_failed", FAILED, detail=ended.stderr_tail), self._memory)
        if trouble := hosts_trouble(ended, self._memory):
            raise trouble
        complaints = len(complaints_of(ended))
        cost = FFmpegRun(
            ended.wall_seconds, ended.cpu_seconds, ended.peak_memory_bytes, ended.stderr_tail, complaints, losses.packets
        )
        return cost, ended.stdout

    def _uncropped(self, args: Sequence[str]) -> list[str]:
        """The same with "do not crop to the container's clean aperture" before each input, where ffmpeg would do that.

        Since 7.1 it crops to the `clap` of an MP4 unless told not to; older ones and browsers never do. What the codec itself
        crops (1088 lines to 1080) is cropped by all. Source: ffmpeg's manual, -apply_cropping, read 2026-11-27.
        """
        if "-i" not in args or any(one.startswith(CROPPING) for one in args) or not self._crops():
            return list(args)
        return [word for one in args for word in ((CROPPING, "codec", one) if one == "-i" else (one,))]

    def _crops(self) -> bool:
        """Whether this ffmpeg has the option; asked once a process for each program. The older option of that name is another."""
        program = self.settings.ffmpeg or "ffmpeg"
        path = shutil.which(program)
        if path is None:
            return False
        key = path, Path(path).stat().st_mtime_ns
        if key not in _crop:
            argv = [program, "-hide_banner", "-h", "long"]
            ended = run_child(argv, limits=self.limits(PROBE_WALL_S), stop=self.stop, sandbox=self.settings.sandbox, read=None, write=None)
            if ended.code != 0 or ended.killed_for:
                return False  # the run that follows tells what is wrong
            _crop[key] = f"{CROPPING}[:<stream_spec>]" in ended.stdout
        return _crop[key]

    def _run(
        self,
        argv: list[str],
        limits: Limits,
        *,
        read: Path | None,
        write: Path | None,
        on_line: OnLine | None,
        on_error_line: Callable[[bytes], object] | None = None,
    ) -> Ended:
        began = time.monotonic()
        try:
            ended = run_child(
                argv, limits=limits, stop=self.stop, sandbox=self.settings.sandbox, read=read, write=write, on_line=on_line,
                on_error_line=on_error_line,
            )  # fmt: skip
        except StopRequested as stopped:
            # What was running when the attempt had to end is the part of its log that people look for.
            spent = time.monotonic() - began
            killed = Ended(-signal.SIGKILL, "", "", stopped.reason, spent, cpu_seconds=0.0, peak_memory_bytes=0, command=tuple(argv))
            self.on_ended(killed)
            raise
        ended = replace(ended, command=tuple(argv))
        self.on_ended(ended)
        return ended


class Losses:
    """Counts the packets that no decoder could make anything of, from what ffmpeg says of each.

    Its own -max_error_rate ends the run in 5.1 and does nothing in 8.0.
    """

    LOST = re.compile(rb"Error while decoding stream #|Error submitting packet to decoder|Decoding error:")
    AGAIN = re.compile(rb"\s*Last message repeated (\d+) times")

    def __init__(self) -> None:
        self.packets = 0
        self._lost = False

    def take(self, line: bytes) -> None:
        """A line of stderr."""
        again = self.AGAIN.match(line)
        if again is None:
            self._lost = self.LOST.search(line) is not None
            self.packets += self._lost
        elif self._lost:
            self.packets += int(again[1][:9])


_versions: dict[str, str] = {}  # by program
_crop: dict[tuple[str, int], bool] = {}  # by program and when it was installed

UNREADABLE = "The file is not a video, a picture or a sound that can be read."
FAILED = "The file could not be converted."
# Of the host and not of the file, also where the program ends with 0: 5.1 does so after a full disk.
NO_SPACE = r"No space left on device|Disk quota exceeded"
NO_MEMORY = r"Cannot allocate memory|malloc of size|std::bad_alloc|Out of memory|Error allocating"
IO_ERROR = r"Input/output error|Read-only file system|Stale file handle"
NOT_TAKEN = r"Codec .{0,200}not on whitelist"  # what ffmpeg says of each stream that is present, used or not
# Of the memory limit, without what the program's own code takes of it: so much has to be in use for a file to have failed
# for the limit, and not for the host's shortage.
LEAST_SHARE, OWN_BYTES = 0.5, 350 * 2**20
CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS, signal.SIGTRAP})

# What they print when they fail, and what it means to the owner of the file.
MEANINGS: tuple[tuple[str, str, str], ...] = (
    (r"exceeds specified max pixel count|Picture size \d+x\d+ is invalid", "too_many_pixels",
     f"The picture is too large: at most {allowlists.MAX_PIXELS:,} pixels are taken."),
    # Newer versions say the second of a playlist under another name, and try what else it might be.
    (r"(Format|Protocol) .{0,200}not on whitelist|Not detecting m3u8/hls", "format_refused", "Files of this format are not taken."),
    (r"File too large", "output_too_large", "The result would be larger than one file may be."),
    (r"moov atom not found", "unreadable_media", "The file has no index; it was probably cut off before its end."),
    (NOT_TAKEN, "codec_refused", "The file uses a codec that is not taken."),
)  # fmt: skip


def hosts_trouble(ended: Ended, memory_bytes: int) -> JobError | None:
    """What a program said that is not the file's fault, whatever code it ended with; None when it said nothing like that.

    A file that fills the limit of memory is told so for good: it will do it again. "out_of_memory" is the rest.
    """
    tail = ended.stderr_tail
    if re.search(NO_SPACE, tail):
        return TransientError("disk_full", "The worker's disk is full.", detail=tail)
    if re.search(IO_ERROR, tail):
        return TransientError("disk_failed", "The worker's disk cannot be read or written.", detail=tail)
    if re.search(NO_MEMORY, tail):
        if ended.peak_memory_bytes >= LEAST_SHARE * (memory_bytes - OWN_BYTES):
            return PermanentError("memory_limit", "The file needs more memory than one file may use.", detail=tail)
        return TransientError("out_of_memory", "The worker was short of memory.", detail=tail)
    return None


def refuse(ended: Ended, program: str, otherwise: JobError, memory_bytes: int) -> JobError:
    """The error for a child that failed; `otherwise` when its output says nothing more.

    What it said counts before the code it ended with: codes differ by version. PermanentError where the same file will end
    the same way, TransientError where it is this host's trouble: "no_ffmpeg", "too_slow", "stalled", "killed", "disk_full",
    "disk_failed", "out_of_memory".
    """
    tail = ended.stderr_tail
    if ended.killed_for == "wall":
        return TransientError("too_slow", "The work took longer than it may.", detail=tail)
    if ended.killed_for == "stall":
        return TransientError("stalled", f"The work made no progress for {STALL_S:.0f} seconds.", detail=tail)
    if ended.killed_for == "stdout":
        return PermanentError("unreadable_media", UNREADABLE, detail="endless output of " + program)
    if ended.code == 127 or tail.startswith("bwrap: "):
        return TransientError("no_ffmpeg", f"This worker cannot run {program}.", detail=tail)
    if re.search(r"Unknown (en|de)coder|No such filter|Filter not found|Unrecognized option|Encoder not found", tail):
        return TransientError("no_ffmpeg", f"This worker's {program} cannot do what is needed.", detail=tail)
    if trouble := hosts_trouble(ended, memory_bytes):
        return trouble
    if ended.code == DAMAGED:
        return PermanentError("damaged", TOO_DAMAGED, detail=tail)
    if ended.code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
        return PermanentError("output_too_large", "The result would be larger than one file may be.", detail=tail)
    for pattern, code, message in MEANINGS:
        if re.search(pattern, tail):
            return PermanentError(code, message, detail=tail)
    if ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return TransientError("killed", f"{program} was killed; the host may be short of memory.", detail=tail)
    if crashed(ended):
        return PermanentError("decoder_crashed", "The file makes the decoder crash.", detail=tail)
    return otherwise


def complaints_of(ended: Ended) -> list[str]:
    """What it said of damage: lines on stderr, without those that name a stream's codec, used or not."""
    return [line for line in ended.stderr_tail.splitlines() if line.strip() and not re.search(NOT_TAKEN, line)]


def crashed(ended: Ended) -> bool:
    """Whether it died of its own fault.

    A bubble tells a signal as 128 and its number; ffmpeg 6 and newer end with an error's number modulo 256, which may be the
    same (134: quota, or SIGABRT). But whoever ends so says why, and whoever crashes does not get to it.
    """
    if ended.code < 0:
        return -ended.code in CRASHES
    if ended.code - 128 not in CRASHES:
        return False
    return os.strerror(256 - ended.code) not in ended.stderr_tail


def _json(text: str) -> Any:
    """The document, None when it was cut off."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
