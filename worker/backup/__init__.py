"""Backups: made, listed, restored to see that they are whole, restored in earnest, removed.

    create.create     a dump of one snapshot, streamed to the store, its manifest beside it
    verify.verify     restore into a scratch server, compare with the manifest
    restore.restore   restore into an empty or a new database, and settle it
    prune.prune       remove what is older than it is kept, or was never completed

Each is one call for a command, a timer or the upkeep clock. What is in a backup: manifest.py.
"""
