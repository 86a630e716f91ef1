"""What is known of a file, as the rest relies on it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})  # PQ and HLG


@dataclass(frozen=True, slots=True)
class Video:
    """The main moving picture, or the one picture of an image."""

    index: int
    codec: str
    width: int  # as shown, after rotation and pixel aspect
    height: int
    coded_width: int
    coded_height: int
    rotation: int  # clockwise degrees that the player turns it
    sar: Fraction
    rate: Fraction | None  # None for a single picture
    frames: int
    start_s: float
    duration_s: float
    pixel_format: str | None
    color_space: str | None
    color_transfer: str | None
    color_primaries: str | None
    color_range: str | None
    interlaced: bool
    key_frames: int

    @property
    def hdr(self) -> bool:
        """Whether it must be tone-mapped for ordinary screens."""
        return self.color_transfer in HDR_TRANSFERS


@dataclass(frozen=True, slots=True)
class Audio:
    """The main sound."""

    index: int
    codec: str
    channels: int
    sample_rate_hz: int
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A file; `video` and `audio` are None where there is none that plays."""

    kind: str  # video, audio or image; document when nothing of these
    container: str
    mime: str | None
    duration_s: float | None  # of what plays, from the packets; None for an image
    bit_rate: int | None
    video: Video | None
    audio: Audio | None
    cover_index: int | None  # cover art of a song
    orientation: int  # EXIF, 1 to 8
    gap_s: float  # largest step between two packets of what plays

    def columns(self) -> dict[str, Any]:
        """By column of media.assets."""
        video, audio = self.video, self.audio
        moving = video is not None and self.kind == "video"
        rate = video.rate if video is not None and moving else None
        return {
            "kind": self.kind,
            "mime": self.mime,
            "container": self.container,
            "duration_seconds": None if self.duration_s is None else round(self.duration_s, 3),
            "bit_rate": self.bit_rate,
            "width": video and video.width,
            "height": video and video.height,
            "coded_width": video and video.coded_width,
            "coded_height": video and video.coded_height,
            "rotation": video and video.rotation,
            "sar": f"{video.sar.numerator}:{video.sar.denominator}" if video is not None else None,
            "frame_rate_num": rate and rate.numerator,
            "frame_rate_den": rate and rate.denominator,
            "frames": video.frames if video is not None and moving else None,
            "video_codec": video.codec if video is not None and moving else None,
            "pixel_format": video and video.pixel_format,
            "color_space": video and video.color_space,
            "color_transfer": video and video.color_transfer,
            "color_primaries": video and video.color_primaries,
            "color_range": video and video.color_range,
            "hdr": None if video is None else video.hdr,
            "audio_codec": audio and audio.codec,
            "audio_channels": audio and audio.channels,
            "audio_sample_rate_hz": audio and audio.sample_rate_hz,
        }
