"""The room ops, as typed calls."""
