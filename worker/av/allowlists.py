"""What ffmpeg may open. Strangers send the bytes, so these lists decide which code reads them.

A protocol list alone is no protection: a playlist named movie.mp4 that names a local file is
opened and transcoded (tried on 5.1.9, 2026-11-21). The demuxer list stops that and ffconcat;
the decoder list keeps out code that is hardly used and had security holes (MagicYUV:
CVE-2026-8461; SVG through librsvg). docs/design/media.md says of each format why it is taken or not.
"""

from __future__ import annotations

DEMUXERS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv",
    "mxf", "asf", "dv", "mp3", "wav", "w64", "aiff", "caf", "flac", "ogg", "aac", "ac3", "eac3", "dts", "amr",
    "gif", "apng", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe",
)  # fmt: skip

# Names of decoders, not of codecs: libdav1d, mp3float. Of a stream that is used only these ever decode a packet.
DECODERS = (
    "h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vp8", "vp9", "libdav1d", "libaom-av1", "av1",
    "mjpeg", "png", "apng", "webp", "gif", "bmp", "prores", "dnxhd", "dvvideo", "ffv1", "h263", "flv",
    "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1", "theora",
    "aac", "mp3", "mp3float", "ac3", "eac3", "dca", "opus", "libopus", "vorbis", "flac", "alac", "mp2", "mp2float",
    "mp1", "mp1float", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "wmav1", "wmav2", "wmapro",
    "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_ms",
    "pcm_s8", "pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le",
    "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_mulaw", "pcm_alaw", "pcm_bluray", "pcm_dvd",
    "srt", "subrip", "webvtt", "mov_text", "movtext", "ass", "ssa", "pgssub", "dvdsub",
)  # fmt: skip

# ffprobe opens a decoder for each stream that is present, also where it decodes nothing, and ends if it may not.
# These may be opened by it and never get a packet: what people have as a second track, captions or a cover.
OPENED = (
    "cc_dec", "dvbsub", "libzvbi_teletextdec", "xsub", "text", "stl", "sami", "realtext", "subviewer", "subviewer1",
    "microdvd", "jacosub", "mpl2", "pjs", "vplayer", "libaribb24", "libaribcaption",
    "truehd", "mlp", "wmalossless", "wmavoice", "tta", "ape", "wavpack", "libspeex", "speex", "cook", "qcelp", "evrc",
    "gsm", "gsm_ms", "libgsm", "libgsm_ms", "nellymoser", "qdm2", "mace3", "mace6", "libcodec2", "s302m",
    "pcm_vidc", "pcm_s16le_planar", "pcm_s24le_planar", "pcm_s32le_planar", "pcm_lxf", "pcm_u16le", "pcm_u16be",
    "pcm_u24le", "pcm_u24be", "pcm_u32le", "pcm_u32be", "pcm_s24daud", "pcm_sga", "dolby_e",
    "atrac1", "atrac3", "atrac3plus", "siren",
    "adpcm_yamaha", "adpcm_swf", "g722", "g726", "g726le", "g729", "adpcm_ct",
    "tiff", "jpeg2000", "libopenjpeg", "jpegls", "targa", "pcx", "libjxl", "pam", "ppm", "pgm",
    "rawvideo", "qtrle", "cinepak", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "lagarith", "cfhd", "hap", "v210",
    "r210", "v410", "svq1", "svq3", "vp3", "vp6", "vp6f", "vp6a", "vp7", "rv30", "rv40", "mss2", "msvideo1", "msrle", "zmbv",
    "dirac", "cavs",
)  # fmt: skip

# Codecs whose decoder has another name than they have.
DECODER_OF = {
    "flv1": ("flv",), "msmpeg4v3": ("msmpeg4",), "dts": ("dca",), "amr_nb": ("amrnb", "libopencore_amrnb"),
    "amr_wb": ("amrwb", "libopencore_amrwb"),
}  # fmt: skip

PICTURE_DEMUXERS = frozenset({"png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "image2", "mjpeg"})

# 8192 x 8192. A 31 kB PNG of 16,000 x 16,000 costs ffprobe 800 MB without this.
MAX_PIXELS = 8192 * 8192


def taken(codec: str) -> bool:
    """Whether streams of this codec are decoded."""
    return any(name in DECODERS for name in DECODER_OF.get(codec, (codec,)))


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


def probe_flags() -> list[str]:
    """The same for ffprobe, which may open more decoders than it may use.

    Without a stream's type the list also holds for the format: there it decides what is decoded to find out sizes.
    """
    opened = ",".join(dict.fromkeys([*DECODERS, *OPENED]))
    return [*input_flags(), *(word for kind in "vas" for word in (f"-codec_whitelist:{kind}", opened))]


# What an ffmpeg must be able to do for worker.av; `reelq doctor` asks for it, and a test holds these lists against the code.
LEAST_VERSION = (5, 1)  # older ones do not know -max_error_rate and blurdetect as they are used here
REQUIRED_ENCODERS = frozenset({"libx264", "aac", "mjpeg"})
REQUIRED_MUXERS = frozenset({"mp4", "ipod", "mjpeg", "mpegts", "rawvideo", "streamhash", "null"})
REQUIRED_FILTERS = frozenset({
    "scale", "pad", "setsar", "split", "fps", "tpad", "trim", "format", "setparams", "sidedata", "bwdif",  # the ladder
    "aresample", "aformat", "pan", "volume", "alimiter", "asetnsamples", "astats", "ametadata", "apad", "join", "asplit",  # its sound
    "select", "signalstats", "entropy", "blurdetect", "metadata",  # the search for a good picture
    "hflip", "vflip", "transpose", "color", "showwavespic", "overlay",  # posters
})  # fmt: skip
HDR_FILTERS = frozenset({"zscale", "tonemap"})  # without libzimg only HDR and wide colours fail
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
