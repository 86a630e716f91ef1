"""reelq jobs."""
