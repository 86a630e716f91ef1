"""What is in a file, as ffprobe and the packets tell."""
