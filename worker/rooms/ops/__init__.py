"""The room ops, as typed calls: the audit."""
