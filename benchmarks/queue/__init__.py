"""The same no-op work through several Postgres job queues side by side."""
