"""reelq top."""
