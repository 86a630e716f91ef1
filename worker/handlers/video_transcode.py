"""video_transcode: all renditions of a video in one run of ffmpeg, with one decode.

Reads the original; writes a variant a rung (`h264-720p`, …), or `audio-aac` for sound without
picture; of a photo nothing. Nobody sees a rendition before it was read back and all of them are
stored. Safe to run twice: each attempt stores under its own keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

from reelq.worker.av.encode import ffmpeg_args, ladder, matrix, verify
from reelq.worker.av.encode.verify import Checked
from reelq.worker.av.ffmpeg import TOO_DAMAGED, FFmpeg, FFmpegRun
from reelq.worker.av.probe import rates
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.progress import EncodeProgress
from reelq.worker.errors import PermanentError
from reelq.worker.jobs import artifacts, object_keys
from reelq.worker.jobs.arguments import Pattern, Range
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.stored import store_object
from reelq.worker.rooms.media import VideoSource

CPU_S_PER_MEDIA_S = 2.6  # a ladder of four from 1080p with preset veryfast, measured
FULL_HD = 1920 * 1080
SLOWEST_FACTOR = 20  # a host that is this much slower than expected has a fault
LEAST_WALL_S = 120.0
PRESET_COST = {
    "ultrafast": 0.8, "superfast": 0.9, "veryfast": 1.0, "faster": 1.4, "fast": 1.7, "medium": 1.9,
    "slow": 3.5,
}  # fmt: skip
MOST_LOST = 0.1  # share of the packets that may be damaged
BETTER = "medium"  # what the flag ladder.better_compression makes of a faster preset
ENCODE_SHARE = 0.95  # of the progress bar; then comes reading back and storing


NAMES = get_args(ladder.Rendition)
WITH_COMMAS = Pattern(f"({'|'.join(NAMES)})(,({'|'.join(NAMES)}))*", f"some of {', '.join(NAMES)}, joined by commas")
EXAMPLE = {"renditions": ["720p", "360p"], "crf": 21}


@dataclass(frozen=True, slots=True)
class Args:
    """What the job may ask for."""

    renditions: Annotated[
        Annotated[list[ladder.Rendition], Range(1, len(NAMES))] | Annotated[str, WITH_COMMAS] | None,
        f"Which of {', '.join(NAMES)}, as a list or with commas; null: all that the source fills.",
    ] = None
    crf: Annotated[
        Annotated[int, Range(ladder.CRF[0], ladder.CRF[-1])] | None,
        f"Quality: {ladder.CRF[0]} (large files) to {ladder.CRF[-1]} (ugly); null: {ladder.DEFAULT_CRF}.",
    ] = None


def run(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Encode, read back, store; return what was made."""
    options = ladder.options(args.renditions, args.crf)
    work = ctx.work()
    ctx.advance_video("compressing")
    measured, source = artifacts.source(ctx, work)
    ffmpeg = artifacts.ffmpeg(ctx)
    preset = _preset(ctx)
    output = artifacts.folder(ctx, "out")
    if measured.kind == "image":
        return {"renditions": [], "note": "A picture has no renditions; its poster stands for it."}
    if measured.video is None:
        return _sound(ffmpeg, ctx, work, measured, source, output / "audio-aac.m4a")

    rate = rates.for_output(measured.video.rate, measured.video.frames, measured.video.duration_s)
    rungs = ladder.plan(measured.video.width, measured.video.height, rate, options.renditions)
    outputs = {rung.profile: output / f"{rung.profile}.mp4" for rung in rungs}
    arguments = ffmpeg_args.ladder(
        source, measured, rungs, outputs, rate=rate, crf=options.crf,
        preset=preset, threads=ffmpeg.threads,
    )  # fmt: skip
    cost = _encode(ffmpeg, ctx, measured, arguments, source, output, preset)
    ctx.progress(ENCODE_SHARE, "verify")
    if measured.video.upright:
        for path in outputs.values():
            matrix.reset(path)
    # Side by side: to read a file back is mostly to start ffprobe. A torn one is the host's trouble, whatever else is said of it.
    with ThreadPoolExecutor(ffmpeg.threads + 1, "verify") as pool:
        decoded = pool.submit(verify.decode, ffmpeg, outputs.values())
        read = pool.map(lambda r: (r.profile, verify.rendition(ffmpeg, outputs[r.profile], r, measured, rate)), rungs)
        decoded.result()
        checked = dict(read)
    ctx.advance_video("uploading")
    made = []
    for number, rung in enumerate(rungs):
        part = (number / len(rungs), (number + 1) / len(rungs))
        how = {"crf": options.crf, "preset": preset, "maxrate_kbps": rung.maxrate_kbps}
        facts = _facts(checked[rung.profile], cost, measured, ffmpeg.version(), rate, how)
        made.append(_store(ctx, work, rung.profile, outputs[rung.profile], "video/mp4", facts, part))
    return _publish(ctx, work, made, cost, measured)


def _preset(ctx: JobContext) -> str:
    """The host's, or a better one for those for whom the flag is on: it costs CPU, so operators try it on a few tenants first."""
    preset = ctx.settings.ffmpeg_preset
    order = list(PRESET_COST)  # from the fastest on
    return BETTER if order.index(preset) < order.index(BETTER) and ctx.is_flag_on("ladder.better_compression") else preset


def _sound(ffmpeg: FFmpeg, ctx: JobContext, work: VideoSource, measured: Measured, source: Path, output: Path) -> dict[str, Any]:
    """The one rendition of sound without picture."""
    if measured.audio is None:
        raise PermanentError("unreadable_media", "There is neither picture nor sound in the file.")
    arguments = ffmpeg_args.sound(source, measured, output, threads=ffmpeg.threads)
    cost = _encode(ffmpeg, ctx, measured, arguments, source, output.parent, ctx.settings.ffmpeg_preset)
    checked = verify.sound(ffmpeg, output, measured)
    ctx.advance_video("uploading")
    facts = _facts(checked, cost, measured, ffmpeg.version())
    made = _store(ctx, work, "audio-aac", output, "audio/mp4", facts, (0.0, 1.0))
    return _publish(ctx, work, [made], cost, measured)


def _encode(ffmpeg: FFmpeg, ctx: JobContext, measured: Measured, arguments: list[str], source: Path, output: Path, preset: str) -> FFmpegRun:
    """Run ffmpeg and pass its progress on, never more than ENCODE_SHARE before the results are checked."""
    duration = measured.duration_s or 0.0

    def tell(progress: EncodeProgress) -> None:
        if progress.out_s is None or duration <= 0:
            return
        done = min(1.0, progress.out_s / duration)
        left = max(0.0, duration - progress.out_s)
        eta = left / progress.speed if progress.speed else None
        share = artifacts.FETCH_SHARE + (ENCODE_SHARE - artifacts.FETCH_SHARE) * done
        ctx.progress(share, "encode", progress.speed, eta)

    ctx.progress(artifacts.FETCH_SHARE, "encode")
    wall_s = _wall_limit(measured, preset, ffmpeg.threads)
    cost, _ = ffmpeg.run(arguments, read=source.parent, write=output, wall_s=wall_s, on_progress=tell)
    if cost.lost_packets > MOST_LOST * measured.packets + measured.keyless:
        raise PermanentError("damaged", TOO_DAMAGED, detail=cost.stderr_tail)
    return cost


def _wall_limit(measured: Measured, preset: str, threads: int) -> float:
    """Seconds after which something is wrong with the host, not with the video."""
    video = measured.video
    pixels = video.coded_width * video.coded_height if video is not None else 0
    cpu_s = CPU_S_PER_MEDIA_S * PRESET_COST[preset] * max(1.0, pixels / FULL_HD)
    return max(LEAST_WALL_S, SLOWEST_FACTOR * cpu_s * (measured.duration_s or 0.0) / threads)


def _facts(
    checked: Checked,
    cost: FFmpegRun,
    measured: Measured,
    version: str,
    rate: Fraction | None = None,
    metadata: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Columns of media.variants that tell what a rendition is."""
    return {
        "width": checked.width,
        "height": checked.height,
        "bit_rate": checked.bit_rate,
        "duration_seconds": round(checked.duration_s, 3),
        "frames": checked.frames,
        "frame_rate_num": None if rate is None else rate.numerator,
        "frame_rate_den": None if rate is None else rate.denominator,
        "video_codec": checked.video_codec,
        "audio_codec": checked.audio_codec,
        "encode_seconds": round(cost.wall_seconds, 3),
        "speed": _speed(measured, cost),
        # Lines on ffmpeg's stderr: 0 for a whole source, a few when parts of it are damaged.
        "metadata": {**metadata, "complaints": cost.complaints, "ffmpeg": version},
    }


def _store(
    ctx: JobContext,
    work: VideoSource,
    profile: str,
    path: Path,
    mime: str,
    facts: dict[str, Any],
    part: tuple[float, float],
) -> tuple[dict[str, Any], int]:
    """Put one file into the store, `part` of all that is stored; return its row and its size in bytes."""
    start, end = (ENCODE_SHARE + (1 - ENCODE_SHARE) * share for share in part)
    on_progress = artifacts.passing(ctx, "store", start, end, path.stat().st_size)
    key = object_keys.variant(ctx, work, profile, path.suffix.removeprefix("."))
    stored = store_object(ctx, key, path, mime, work.tenant_id, on_progress=on_progress)
    return artifacts.variant(ctx, profile, mime, stored, **facts), stored.size_bytes


def _publish(
    ctx: JobContext, work: VideoSource, made: list[tuple[dict[str, Any], int]], cost: FFmpegRun, measured: Measured
) -> dict[str, Any]:
    """Make all rows visible at once, with the job's completion."""
    artifacts.publish(ctx, work, [row for row, _ in made])
    return {
        "renditions": [row["profile"] for row, _ in made],
        "size_bytes": sum(size_bytes for _, size_bytes in made),
        "encode_seconds": round(cost.wall_seconds, 3),
        "speed": _speed(measured, cost),
    }


def _speed(measured: Measured, cost: FFmpegRun) -> float:
    """Media seconds a second."""
    return round((measured.duration_s or 0.0) / max(cost.wall_seconds, 0.001), 3)
