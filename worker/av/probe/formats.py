"""Formats that are known and not taken, by their first bytes: a refusal names them, whatever an ffmpeg would call them."""

from __future__ import annotations

import re
from pathlib import Path

HEAD_BYTES = 4096
# What a text begins with, spaces and a byte order mark aside.
TEXTS = (
    (rb"#EXTM3U", "HLS playlists"),
    (rb"ffconcat version", "lists of files"),
    (rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg\b", "SVG pictures"),
    (rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<MPD\b", "DASH manifests"),
    (rb"(<\?xml[^>]*>\s*)?<SmoothStreamingMedia\b", "Smooth Streaming manifests"),
    (rb"v=0\r?\no=", "SDP descriptions"),
    (rb"(<!doctype html|<html)\b", "web pages"),
    (rb"\[playlist\]", "playlists"),
)
MAGICS = (
    (b"%PDF-", "PDF documents"), (b"8BPS", "Photoshop pictures"), (b"II*\0", "TIFF and raw pictures"),
    (b"MM\0*", "TIFF and raw pictures"), (b"\xff\x0a", "JPEG XL pictures"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL pictures"), (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 pictures"),
    (b"PK\x03\x04", "ZIP archives"), (b"Rar!\x1a\x07", "RAR archives"), (b"7z\xbc\xaf\x27\x1c", "7z archives"),
    (b"\x1f\x8b", "gzip archives"), (b".RMF", "RealMedia files"), (b"FWS", "Flash films"), (b"CWS", "Flash films"),
)  # fmt: skip
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
ANIMATED = 0x02  # in the flags of a WebP's VP8X chunk


def refused(path: Path) -> str | None:
    """What kind of file it is, in the plural, when files of that kind are not taken; else None."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and head[20] & ANIMATED:
        return "animated WebP pictures"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "HEIC pictures"
    for magic, name in MAGICS:
        if head.startswith(magic):
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for pattern, name in TEXTS if re.match(pattern, text, re.IGNORECASE | re.DOTALL)), None)
