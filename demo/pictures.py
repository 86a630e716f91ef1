"""What the demo shows: a clip that ffmpeg makes, a contact sheet of a rendition, links to what was made."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.stop import StopSignal

if TYPE_CHECKING:
    from reelq.worker.rooms.media import Variant
    from reelq.worker.settings import Settings
    from reelq.worker.stores.open import Store

WALL_S = 120.0
COLUMNS, ROWS = 4, 3  # of the contact sheet
TILE_WIDTH_PX = 320

# Black at first (a poster of the first frame would show nothing), then moving patterns, then bars.
PICTURES = (
    "color=c=black:s=1280x720:r=30:d=1.5[a];"
    "testsrc2=s=1280x720:r=30:d=4.5,fade=t=in:d=0.5[b];"
    "smptehdbars=s=1280x720:r=30:d=2[c];"
    "[a][b][c]concat=n=3,format=yuv420p"
)
SOUND = "sine=frequency=330:beep_factor=4:sample_rate=48000:duration=8"


@dataclass(frozen=True, slots=True)
class Studio:
    """ffmpeg under the settings of the demo."""

    settings: Settings

    @property
    def tools(self) -> FFmpeg:
        """Nobody stops it, and nobody counts what it costs."""
        return FFmpeg(self.settings, StopSignal(), lambda _ended: None)

    def clip(self, folder: Path) -> Path:
        """Eight seconds of 720p with sound, made once."""
        folder.mkdir(exist_ok=True)
        clip = folder / "clip.mp4"
        if clip.exists():
            return clip
        half = folder / "unfinished"
        arguments = ["-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND, "-c:v", "libx264", "-preset", "veryfast"]
        arguments += ["-c:a", "aac", "-movflags", "+faststart", "-f", "mp4", f"file:{half}"]
        self.tools.run(arguments, read=folder, write=folder, wall_s=WALL_S)
        half.replace(clip)
        return clip

    def contact_sheet(self, store: Store, variant: Variant, folder: Path) -> Path:
        """Twelve moments of a rendition side by side, evenly apart."""
        sheet = folder / "contact-sheet.jpg"
        source = folder / "unfinished"
        store.get(variant.key, source, variant.sha256)
        seconds = float(variant.duration_seconds or 1)
        every = max(seconds / (COLUMNS * ROWS), 0.001)
        filters = f"fps=1/{every:.6f}:start_time=0,scale={TILE_WIDTH_PX}:-2,tile={COLUMNS}x{ROWS}:padding=4:margin=4"
        try:
            self.tools.run(
                [*allowlists.input_flags(), "-i", f"file:{source}", "-an", "-vf", filters, "-frames:v", "1",
                 "-q:v", "4", "-f", "mjpeg", f"file:{sheet}"],
                read=folder, write=folder, wall_s=WALL_S,
            )  # fmt: skip
        finally:
            source.unlink(missing_ok=True)
        return sheet


def smallest(variants: list[Variant]) -> Variant | None:
    """The rendition with the fewest pixels; None when nothing moves."""
    moving = [one for one in variants if one.video_codec and one.height and one.width and one.profile != "poster"]
    return min(moving, key=lambda one: (one.width or 0) * (one.height or 0), default=None)


def link_all(objects: Path, variants: list[Variant], folder: Path) -> None:
    """Give the objects names for people: `h264-720p.mp4`, `poster.jpg`, as links into the store."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for variant in variants:
        target = objects / variant.key
        (folder / f"{variant.profile}{target.suffix}").symlink_to(os.path.relpath(target, folder))


def folder_name(title: str, video_id: str) -> str:
    """A name that every file system and shell takes, and that no other video has."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", Path(title).stem).strip("-")[:40]
    return f"{word or 'video'}-{video_id[-8:]}"
