"""reelq users: accounts."""
