"""The functions of `ops` as typed calls, a subject a module."""
