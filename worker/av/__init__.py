"""Pictures and sound: what ffprobe and the packets say, and what ffmpeg is told to do."""
