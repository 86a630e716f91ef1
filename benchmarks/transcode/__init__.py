"""A worker's ladder against the same ffmpeg run by hand, and against one ffmpeg a rendition."""
