"""What the endings of ffmpeg mean: its words first, then its code, which differs by version."""

from __future__ import annotations

import pytest

from reelq.worker.av.ffmpeg import Losses, crashed, refuse
from reelq.worker.av.stills.transparent import chosen
from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.sandbox.child import Ended

GB = 10**9
OTHERWISE = PermanentError("conversion_failed", "The file could not be converted.")


def ended(code: int, said: str = "", peak: int = 10**8) -> Ended:
    return Ended(code, "", said, None, wall_seconds=1.0, cpu_seconds=1.0, peak_memory_bytes=peak)


@pytest.mark.parametrize(
    ("code", "said", "peak", "kind", "word"),
    [
        (254, "Error opening input file none.mp4.\nError opening input files: No such file or directory", 0, PermanentError, "conversion_failed"),
        (234, "[in#0] Format not on whitelist 'mov'\nError opening input: Invalid argument", 0, PermanentError, "format_refused"),
        (183, "Not detecting m3u8/hls with non standard extension and non standard mime type\nmoov atom not found", 0, PermanentError, "format_refused"),
        (134, "Error writing trailer: Disk quota exceeded", 0, TransientError, "disk_full"),
        (-11, "", 0, PermanentError, "decoder_crashed"),
        (139, "", 0, PermanentError, "decoder_crashed"),
        (-9, "", 0, TransientError, "killed"),
        (69, "", 0, PermanentError, "damaged"),
        (69, "Error while decoding stream #0:0: Cannot allocate memory", 10**8, TransientError, "out_of_memory"),
        (69, "Error while decoding stream #0:0: Cannot allocate memory", 3 * GB, PermanentError, "memory_limit"),
        (1, "Codec (dca) not on whitelist 'h264'\nav_write: No space left on device", 0, TransientError, "disk_full"),
        (1, "Codec (magicyuv) not on whitelist 'h264'", 0, PermanentError, "codec_refused"),
        (251, "Error closing file: Input/output error", 0, TransientError, "disk_failed"),
    ],
)
def test_words_count_before_codes(code: int, said: str, peak: int, kind: type, word: str) -> None:
    error = refuse(ended(code, said, peak), "ffmpeg", OTHERWISE, 3 * GB)
    assert isinstance(error, kind) and error.code == word


def test_an_error_number_is_no_signal() -> None:
    assert crashed(ended(134))
    assert not crashed(ended(134, "Error: Disk quota exceeded"))
    assert not crashed(ended(255))


def test_lost_packets_are_counted_by_each_version_s_words() -> None:
    losses = Losses()
    for line in (
        b"Error while decoding stream #0:1: Invalid data found when processing input", b"    Last message repeated 3 times",
        b"[aac @ 0x1] Reserved bit set.", b"    Last message repeated 9 times",
        b"[aist#0:1/aac @ 0x1] [dec:aac @ 0x2] Error submitting packet to decoder: Invalid data found",
    ):  # fmt: skip
        losses.take(line)
    assert losses.packets == 5


def test_the_ground_contrasts_with_what_is_seen() -> None:
    clear, ink, chalk = bytes([255, 255, 255, 0]), bytes([0, 0, 0, 255]), bytes([250, 250, 250, 255])
    assert chosen(clear * 9 + ink) == "0xffffff"
    assert chosen(clear * 9 + chalk) == "0x202020"
    assert chosen(ink * 9) is None
