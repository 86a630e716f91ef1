"""What ffmpeg has to be able to do for worker.av: `reelq doctor` asks for it. A test holds the lists against the code."""

from __future__ import annotations

LEAST_VERSION = (5, 1)  # older ones do not know -max_error_rate and blurdetect as they are used here

ENCODERS = frozenset({"libx264", "aac", "mjpeg"})
MUXERS = frozenset({"mp4", "ipod", "mjpeg", "streamhash", "null"})
FILTERS = frozenset({
    "scale", "setsar", "split", "fps", "format", "setparams", "bwdif", "aresample",  # the ladder
    "select", "signalstats", "entropy", "blurdetect", "metadata",  # the search for a good picture
    "hflip", "vflip", "transpose", "color", "aformat", "showwavespic", "overlay",  # posters
})  # fmt: skip
HDR_FILTERS = frozenset({"zscale", "tonemap"})  # without libzimg only HDR sources fail

# What people send most. The whole list of what is taken is guards.DECODERS; no build has all of it.
DECODERS = frozenset({
    "h264", "hevc", "vp8", "vp9", "mpeg4", "mpeg2video", "prores", "mjpeg", "png", "aac", "ac3", "flac", "vorbis",
})  # fmt: skip
EITHER = (frozenset({"libdav1d", "libaom-av1", "av1"}), frozenset({"mp3", "mp3float"}), frozenset({"opus", "libopus"}))
