"""ffmpeg and ffprobe of this host, and the sandbox around them, tried as a job would use them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.doctor.checks.findings import Finding, host
from reelq.worker.errors import JobError
from reelq.worker.sandbox import child
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

INSTALL = "On Debian or Ubuntu: apt-get install ffmpeg; else name it in REELQ_FFMPEG and REELQ_FFPROBE"
TRIAL_WALL_S = 30.0  # ten small pictures take a tenth of a second
PICTURES, SIDE_PX, RATE_HZ = 10, 64, 48_000


def check(settings: Settings) -> Iterator[Finding]:
    """Versions, codecs and filters, the sandbox, and a small encode."""
    works = child.bubble_works()
    yield bubble(settings, works)
    if settings.sandbox == "bwrap" and not works:
        settings = replace(settings, sandbox="off")  # that is told; the rest can be looked at all the same
    ffmpeg = FFmpeg(settings, StopSignal(), lambda _: None)
    versions = [version(ffmpeg, program) for program in ("ffmpeg", "ffprobe")]
    yield from versions
    if any(one.level == "bad" for one in versions):
        return
    yield abilities(ffmpeg)
    yield decoders(ffmpeg)
    yield trial(ffmpeg, works and settings.sandbox != "off")


def bubble(settings: Settings, works: bool) -> Finding:
    """Whether children go into a bubble, as the settings want it."""
    if settings.sandbox == "off":
        remedy = "Install bubblewrap and set REELQ_SANDBOX=auto: ffmpeg reads what strangers sent."
        return host("warn", "sandbox", "REELQ_SANDBOX is off: limits only", remedy)
    if works:
        return host("ok", "sandbox", "bubblewrap works: no network, no files but the job's")
    remedy = "apt-get install bubblewrap; it needs unprivileged user namespaces (sysctl, container profile)"
    if settings.sandbox == "bwrap":
        return host("bad", "sandbox", "REELQ_SANDBOX is bwrap, and bubblewrap does not work here: every job fails", remedy)
    return host("warn", "sandbox", "bubblewrap is not installed or may not run here: limits only", remedy)


def version(ffmpeg: FFmpeg, program: str) -> Finding:
    """Found, and new enough."""
    ended = ffmpeg.ask(program, "-version")
    found = re.match(rf"{program} version (\S+)", ended.stdout)
    if ended.code != 0 or found is None:
        said = (ended.stderr_tail.strip().splitlines() or [f"exit code {ended.code}"])[-1]
        return host("bad", program, f"It does not run: {said}", INSTALL)
    number = re.match(r"n?(\d+)\.(\d+)", found[1])
    if number is None:  # a build from git names a commit
        return host("warn", program, f"version {found[1]}: cannot tell whether that is 5.1 or newer", "Use a release.")
    if (int(number[1]), int(number[2])) < allowlists.LEAST_VERSION:
        return host("bad", program, f"version {found[1]}, but 5.1 or newer is needed", INSTALL)
    return host("ok", program, f"version {found[1]}")


def abilities(ffmpeg: FFmpeg) -> Finding:
    """The encoders, muxers and filters that worker.av uses."""
    wanted = {
        "-encoders": allowlists.REQUIRED_ENCODERS,
        "-muxers": allowlists.REQUIRED_MUXERS,
        "-filters": allowlists.REQUIRED_FILTERS | allowlists.HDR_FILTERS,
    }
    missing = set().union(*(names - listed(ffmpeg, option) for option, names in wanted.items()))
    remedy = "Use a build with libx264 and libzimg, as Debian's is."
    if missing - allowlists.HDR_FILTERS:
        return host("bad", "codecs", f"ffmpeg lacks {', '.join(sorted(missing))}", remedy)
    if missing:
        return host("warn", "codecs", f"ffmpeg lacks {', '.join(sorted(missing))}: HDR sources fail", remedy)
    return host("ok", "codecs", "ffmpeg has every encoder and filter that is used")


def decoders(ffmpeg: FFmpeg) -> Finding:
    """What people send most."""
    there = listed(ffmpeg, "-decoders")
    missing = sorted(allowlists.USUAL_DECODERS - there)
    missing += [sorted(some)[0] for some in allowlists.ALTERNATIVE_DECODERS if not some & there]
    if missing:
        detail = f"ffmpeg cannot read {', '.join(missing)}: such sources fail"
        return host("warn", "decoders", detail, "Use a build with them, or accept it.")
    return host("ok", "decoders", "ffmpeg reads what people usually send")


def listed(ffmpeg: FFmpeg, option: str) -> set[str]:
    """Names that `ffmpeg -encoders` and its like print: flags, name (or names), description."""
    lines = ffmpeg.ask("ffmpeg", option).stdout.splitlines()
    return {name for line in lines if len(words := line.split()) > 1 for name in words[1].split(",")}


def trial(ffmpeg: FFmpeg, sandboxed: bool) -> Finding:
    """Ten pictures and their sound into an MP4, within the limits and the sandbox of a job; read back with ffprobe."""
    with tempfile.TemporaryDirectory(prefix="reelq-check-") as name:
        source, output = Path(name) / "in", Path(name) / "out"
        source.mkdir()
        output.mkdir()
        (source / "picture").write_bytes(bytes(SIDE_PX * SIDE_PX * 3 // 2 * PICTURES))
        (source / "sound").write_bytes(bytes(RATE_HZ * 2 * PICTURES // 25))
        line = [
            *f"-f rawvideo -pix_fmt yuv420p -s {SIDE_PX}x{SIDE_PX} -r 25 -i".split(), f"file:{source}/picture",
            *f"-f s16le -ar {RATE_HZ} -ac 1 -i".split(), f"file:{source}/sound",
            *f"-c:v libx264 -preset {ffmpeg.settings.ffmpeg_preset} -threads {ffmpeg.threads} -c:a aac -f mp4".split(),
            f"file:{output}/made",
        ]  # fmt: skip
        try:
            cost, _ = ffmpeg.run(line, read=source, write=output, wall_s=TRIAL_WALL_S)
            streams = len(ffmpeg.probe(output / "made")["streams"])
        except JobError as error:
            said = (error.detail.strip().splitlines() or [error.code])[-1]
            remedy = "Look at the lines above, and at REELQ_FFMPEG_MEMORY_BYTES."
            return host("bad", "encode", f"A small encode failed: {error} {said}", remedy)
    if streams != 2:
        return host("bad", "encode", f"A small encode has {streams} streams instead of 2", INSTALL)
    around = "in the sandbox" if sandboxed else "no sandbox"
    return host("ok", "encode", f"A small encode took {cost.wall_seconds:.1f} s, {around}")
