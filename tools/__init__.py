"""Generators of documentation; not in the wheel."""
