"""ffmpeg and ffprobe with real children: guards, limits, what their endings mean."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path

import pytest

from reelq.worker import settings
from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.progress import EncodeProgress
from reelq.worker.errors import JobError, PermanentError, StopRequested, TransientError
from reelq.worker.sandbox.child import Ended
from reelq.worker.stop import StopSignal
from tests.fakes import clips
from tests.patience import QUICK_S

pytestmark = pytest.mark.media

ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-f", "null", "-"]


def tools(ended: list[Ended] | None = None, stop: StopSignal | None = None, **environ: str) -> FFmpeg:
    return FFmpeg(settings.load(environ), stop or StopSignal(), (ended if ended is not None else []).append)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def refused(kind: type[JobError], code: str, tool: FFmpeg, arguments: list[str], folder: Path, wall_s: float = 60) -> None:
    """`arguments` end in an error of that kind and code, with a clear sentence."""
    with pytest.raises(kind) as caught:
        tool.run(arguments, read=folder, write=folder, wall_s=wall_s)
    assert caught.value.code == code, caught.value.detail
    assert str(caught.value).endswith(".") and str(folder) not in str(caught.value)


def test_a_run_costs_what_it_says(folder: Path) -> None:
    ended: list[Ended] = []
    arguments = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=2", "-c:v", "libx264", f"file:{folder}/a.mp4"]
    cost, _ = tools(ended).run(arguments, read=folder, write=folder, wall_s=60)
    assert cost.cpu_seconds > 0.05
    assert cost.peak_memory_bytes > 20_000_000
    assert cost.complaints == 0
    assert [one.code for one in ended] == [0]
    assert (folder / "a.mp4").stat().st_size > 1000


def test_progress_is_told_while_it_runs(folder: Path) -> None:
    seen: list[EncodeProgress] = []
    arguments = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=3", "-c:v", "libx264", f"file:{folder}/a.mp4"]
    tools().run(arguments, read=folder, write=folder, wall_s=60, on_progress=seen.append)
    assert seen[-1].done
    assert seen[-1].out_s == pytest.approx(3, abs=0.2)


def test_too_much_memory_is_refused_for_good(folder: Path) -> None:
    """The 24 kB file that took a host of 24 GB down, called as a careless program calls it."""
    gap = folder / "gap.mp4"
    jump = "setpts='if(gte(N,5),PTS+20000/TB,PTS)'"
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=1", "-vf", jump, *clips.X264, "-fps_mode", "vfr", gap)
    arguments = ["-t", "600", "-i", f"file:{gap}", "-vf", "fps=30", "-c:v", "rawvideo", "-f", "null", "-"]
    ended: list[Ended] = []
    tool = tools(ended, REELQ_FFMPEG_MEMORY_BYTES="600MB")
    refused(PermanentError, "memory_limit", tool, arguments, folder)
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # a child's largest size begins with that of who forked it
    assert ended[0].peak_memory_bytes <= max(600_000_000, ours)


def test_too_large_a_file_is_refused_for_good(folder: Path) -> None:
    arguments = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=5", "-c:v", "rawvideo", f"file:{folder}/a.avi"]
    refused(PermanentError, "output_too_large", tools(REELQ_FFMPEG_FILE_BYTES="5MB"), arguments, folder)
    assert (folder / "a.avi").stat().st_size <= 5_000_000


def test_too_slow_is_worth_another_host(folder: Path) -> None:
    began = time.monotonic()
    refused(TransientError, "too_slow", tools(), ["-re", *ENDLESS], folder, wall_s=1)
    assert time.monotonic() - began < QUICK_S


def test_no_headway_is_a_stall(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that waits for ever: no wall limit would come in time."""
    monkeypatch.setattr("reelq.worker.av.ffmpeg.STALL_S", 1.0)
    waiting = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=1,realtime=limit=100:speed=0.01", "-f", "null", "-"]
    with pytest.raises(TransientError) as caught:
        tools().run(waiting, read=folder, write=folder, wall_s=60, on_progress=lambda _: None)
    assert caught.value.code == "stalled"


def test_no_program_is_the_hosts_trouble(folder: Path) -> None:
    refused(TransientError, "no_ffmpeg", tools(REELQ_FFMPEG="/nonexistent/ffmpeg"), ENDLESS, folder)


def test_an_ffmpeg_that_lacks_an_encoder_is_the_hosts_trouble(folder: Path) -> None:
    arguments = ["-f", "lavfi", "-i", "testsrc2=d=1", "-c:v", "libnone", f"file:{folder}/a.mp4"]
    refused(TransientError, "no_ffmpeg", tools(), arguments, folder)


def test_the_version_is_known() -> None:
    assert tools().version()[0].isalnum()
    with pytest.raises(TransientError):
        tools(REELQ_FFMPEG="/bin/false").version()


def test_nonsense_is_refused_for_good(folder: Path) -> None:
    refused(PermanentError, "conversion_failed", tools(), ["-i", "file:none.mp4", "out.mp4"], folder)


def test_a_stop_kills_it_at_once(folder: Path) -> None:
    stop, told = StopSignal(), list[float]()

    def on_progress(progress: EncodeProgress) -> None:
        if progress.out_s and not told:
            told.append(time.monotonic())
            threading.Thread(target=stop.set, args=("cancelled",)).start()

    with pytest.raises(StopRequested):
        tools(stop=stop).run(ENDLESS, read=folder, write=folder, wall_s=60, on_progress=on_progress)
    assert time.monotonic() - told[0] < QUICK_S


def test_every_input_is_guarded(folder: Path) -> None:
    """Without these flags the playlist is opened and another file's pictures come out."""
    good = clips.video(folder / "good.mp4", seconds=0.5, extra=("-movflags", "+faststart"))
    list_file = folder / "movie"
    list_file.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:{good}\n#EXT-X-ENDLIST\n")
    arguments = [*allowlists.input_flags(), "-i", f"file:{list_file}", "-f", "null", "-"]
    refused(PermanentError, "format_refused", tools(REELQ_SANDBOX="off"), arguments, folder)


def test_one_run_reads_what_two_read(folder: Path) -> None:
    """Also where packets have side data, as the first of AAC have, which stands on lines of its own."""
    path = clips.video(folder / "a.mp4", seconds=1)
    document, tracks = tools().read(path)
    for stream in document["streams"]:
        assert int(stream.pop("nb_read_packets")) == tracks[stream["index"]].packets
    assert document == tools().probe(path)
    assert tracks == tools().packets(path)


def test_ffprobe_reads_headers_and_packets(folder: Path) -> None:
    path = clips.video(folder / "a.mp4", seconds=1)
    document = tools().probe(path)
    assert {stream["codec_type"] for stream in document["streams"]} == {"video", "audio"}
    assert "filename" not in document["format"]
    tracks = tools().packets(path)
    assert tracks[0].packets == 30
    assert tracks[0].span_s == pytest.approx(1, abs=0.001)


def test_names_of_decoders_are_those_that_ffmpeg_knows() -> None:
    """A name that no ffmpeg knows guards nothing and hides a slip of the pen."""
    _, listed = tools().run(["-decoders"], read=Path("/usr"), write=Path("/tmp"), wall_s=60)
    known = {line.split()[1] for line in listed.splitlines() if len(line.split()) > 1}
    other_versions = {"libaom-av1", "mov_text", "webvtt", "subrip", "srt", "ssa", "ass"}
    assert set(allowlists.DECODERS) - known - other_versions <= {
        "opus", "movtext", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb",
    }  # fmt: skip
