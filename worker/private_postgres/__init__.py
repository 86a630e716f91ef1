"""A Postgres server of our own, for tests and the demo."""
