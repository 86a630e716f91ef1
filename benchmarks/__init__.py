"""Commands that measure: the queue against its peers, the transcode against plain ffmpeg. See README.md."""
