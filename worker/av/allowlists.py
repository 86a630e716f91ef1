"""What ffmpeg may open at all. Strangers choose the bytes, so these lists choose the code that reads them.

A protocol list alone is no protection: a playlist named movie.mp4 that names a local file is
opened and transcoded (tried on 5.1.9, 2026-11-21). The demuxer list stops that and ffconcat;
the decoder list keeps out code that nobody needs and that has had holes (MagicYUV:
CVE-2026-8461; SVG through librsvg).
"""

from __future__ import annotations

DEMUXERS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv",
    "mp3", "wav", "flac", "ogg", "aac", "amr", "gif", "png_pipe", "jpeg_pipe", "webp_pipe",
)  # fmt: skip

# Names of decoders, not of codecs: libdav1d, srt, pgssub.
DECODERS = (
    "h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vp8", "vp9", "libdav1d", "libaom-av1", "av1",
    "mjpeg", "png", "webp", "gif", "prores", "h263", "flv",
    "aac", "mp3", "mp3float", "ac3", "eac3", "opus", "libopus", "vorbis", "flac", "alac", "mp2", "mp2float",
    "amrnb", "amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le", "pcm_u8",
    "pcm_mulaw", "pcm_alaw",
    "srt", "subrip", "webvtt", "mov_text", "movtext", "ass", "ssa", "pgssub", "dvdsub",
)  # fmt: skip

PICTURE_DEMUXERS = frozenset({"png_pipe", "jpeg_pipe", "webp_pipe", "image2", "mjpeg"})

# 8192 x 8192. A 31 kB PNG of 16,000 x 16,000 costs ffprobe 800 MB without this.
MAX_PIXELS = 8192 * 8192


def input_options() -> dict[str, str]:
    """Options that stand before every -i, by name."""
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(DEMUXERS),
        "codec_whitelist": ",".join(DECODERS),
        "max_pixels": str(MAX_PIXELS),
    }


def input_flags() -> list[str]:
    """The same as words of a command line."""
    return [word for name, value in input_options().items() for word in (f"-{name}", value)]

# What an ffmpeg must be able to do for worker.av; `reelq doctor` asks for it, and a test holds these lists against the code.
LEAST_VERSION = (5, 1)  # older ones do not know -max_error_rate and blurdetect as they are used here
REQUIRED_ENCODERS = frozenset({"libx264", "aac", "mjpeg"})
REQUIRED_MUXERS = frozenset({"mp4", "ipod", "mjpeg", "streamhash", "null"})
REQUIRED_FILTERS = frozenset({
    "scale", "setsar", "split", "fps", "format", "setparams", "bwdif", "aresample",  # the ladder
    "select", "signalstats", "entropy", "blurdetect", "metadata",  # the search for a good picture
    "hflip", "vflip", "transpose", "color", "aformat", "showwavespic", "overlay",  # posters
})  # fmt: skip
HDR_FILTERS = frozenset({"zscale", "tonemap"})  # without libzimg only HDR sources fail
# What people send most: no build has all of DECODERS.
USUAL_DECODERS = frozenset({
    "h264", "hevc", "vp8", "vp9", "mpeg4", "mpeg2video", "prores", "mjpeg", "png", "aac", "ac3", "flac", "vorbis",
})  # fmt: skip
# Of each of these one is enough.
ALTERNATIVE_DECODERS = (
    frozenset({"libdav1d", "libaom-av1", "av1"}),
    frozenset({"mp3", "mp3float"}),
    frozenset({"opus", "libopus"}),
)
