"""Personal data beyond the database: the bytes of a user's objects are brought out, or deleted."""
