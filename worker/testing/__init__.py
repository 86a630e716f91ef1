"""Run job types in a test: a database and folders that are gone afterwards. The public face is reelq.testing."""
