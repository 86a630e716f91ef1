"""The life of objects: what goes and when, cold storage, and whether the stores hold what the register says."""
