"""Two mono tracks that are the left and the right side of one sound, as cameras and editors write them.

Marked ones are a pair in every container. Where nothing is said, the first two sounds of a container of cameras and editors
are one if they are mono and alike in all that two microphones for two people, or two languages, would differ in.
"""

from __future__ import annotations

import re
from typing import Any

CONTAINERS = frozenset({"mxf", "mov", "matroska"})
LEFT, RIGHT = re.compile(r"(?i)\b(left|fl|l)\b"), re.compile(r"(?i)\b(right|fr|r)\b")
OTHERS = ("dub", "comment", "karaoke", "hearing_impaired", "visual_impaired", "descriptions")  # these are sounds of their own
APART_S = 0.25  # so much they may begin or end apart
APART_SHARE = 0.01  # of the length, for the end

Stream = dict[str, Any]


def pair(container: str, sounds: list[Stream], packets: dict[str, Any]) -> tuple[Stream, Stream] | None:
    """Left and right of `sounds`, which are in the file's order; None where there is no pair."""
    left = next((one for one in sounds if _side(one) == "left"), None)
    right = next((one for one in sounds if _side(one) == "right"), None)
    if left is not None and right is not None:
        return (left, right) if _alike(left, right, packets) else None
    if container not in CONTAINERS or len(sounds) < 2 or left is not None or right is not None:
        return None
    left, right = sounds[:2]
    only_right = _disposed(right, "default") and not _disposed(left, "default")
    same = _alike(left, right, packets) and _title(left) == _title(right) and not only_right
    return (left, right) if same else None


def _side(stream: Stream) -> str | None:
    """What a mono track's layout or title says: left or right."""
    if stream.get("channels") != 1:
        return None
    said = f"{stream.get('channel_layout') or ''} {_title(stream)}"
    sides = [side for side, word in (("left", LEFT), ("right", RIGHT)) if word.search(said)]
    return sides[0] if len(sides) == 1 else None


def _alike(left: Stream, right: Stream, packets: dict[str, Any]) -> bool:
    if any(_disposed(one, name) for one in (left, right) for name in OTHERS):
        return False
    names = ("codec_name", "sample_rate", "channels")
    if left.get("channels") != 1 or any(left.get(name) != right.get(name) for name in names) or _language(left) != _language(right):
        return False
    one, other = packets[str(left["index"])], packets[str(right["index"])]
    starts = [float(tally.get("first_s") or 0.0) for tally in (one, other)]
    ends = [start + float(tally["span_s"]) for start, tally in zip(starts, (one, other), strict=True)]
    most = max(APART_S, APART_SHARE * float(one["span_s"]))
    return abs(starts[0] - starts[1]) <= APART_S and abs(ends[0] - ends[1]) <= most


def _tag(stream: Stream, name: str) -> str:
    return next((str(value).strip() for key, value in (stream.get("tags") or {}).items() if str(key).lower() == name), "")


def _title(stream: Stream) -> str:
    """What people named it; QuickTime has only the handler's name."""
    return _tag(stream, "title") or _tag(stream, "name") or _tag(stream, "handler_name")


def _language(stream: Stream) -> str:
    said = _tag(stream, "language").lower()
    return "" if said == "und" else said


def _disposed(stream: Stream, name: str) -> bool:
    return bool((stream.get("disposition") or {}).get(name))
