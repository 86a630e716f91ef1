"""For whoever works on reelq: the linters, and what generates docs/reference.md. Not in the wheel."""
