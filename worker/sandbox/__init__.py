"""Child processes with limits, inside bubblewrap where the host can."""
