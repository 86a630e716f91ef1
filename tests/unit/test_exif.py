"""The orientation in a JPEG, and hostile heads of files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelq.worker.av import truncation
from reelq.worker.av.probe import exif


def jpeg(order: str, value: int, tag: int = 0x0112) -> bytes:
    """A JPEG with one EXIF tag, in either byte order."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    tiff = mark + struct.pack(order + "IH", 8, 1) + struct.pack(order + "HHIHH", tag, 3, 1, value, 0)
    block = b"Exif\0\0" + tiff
    app0 = b"\xff\xe0" + struct.pack(">H", 7) + b"JFIF\0"
    return b"\xff\xd8" + app0 + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + b"\xff\xda\xff\xd9"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_both_byte_orders(order: str, value: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(jpeg(order, value))
    assert exif.orientation(path) == value


def test_what_says_nothing_usable_is_upright(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data in (b"", b"\x89PNG", b"\xff\xd8\xff\xda", jpeg("<", 9), jpeg("<", 6, tag=0x010F), jpeg("<", 6)[:30]):
        path.write_bytes(data)
        assert exif.orientation(path) == 1


HEADS = (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"ID3\x04\0\0", b"\xff\xfb\x90", b"RIFF", truncation.EBML,
         b"\0\0\0\x18ftypmp42", jpeg("<", 6)[:24])  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=400))
def test_no_bytes_whatever_make_the_readers_fail(head: bytes, rest: bytes, tmp_path: Path) -> None:
    """They see a file first of all, so they answer for anything, and end."""
    path = tmp_path / "a"
    path.write_bytes(head + rest)
    assert exif.orientation(path) in exif.UPRIGHT
    assert truncation.moov_before_mdat(path) in (True, False)
    assert truncation.is_truncated(path) in (True, False)
