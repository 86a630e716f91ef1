"""What is known about pictures and sound: reading what ffprobe says, deciding what ffmpeg shall do."""
