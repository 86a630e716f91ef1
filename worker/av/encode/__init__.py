"""Renditions: the ladder, ffmpeg's arguments, and whether what came out is whole."""
