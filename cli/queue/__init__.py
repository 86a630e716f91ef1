"""reelq queue."""
