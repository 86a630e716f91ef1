"""What the tests of the upkeep share."""

from __future__ import annotations

OWNERS = {"partitions", "vacuum", "vacuum_hot", "prune_clock", "backup", "prune_backups", "verify_backup"}  # what only the owner of the tables can do
