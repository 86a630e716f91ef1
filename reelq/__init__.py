"""reelq."""
