"""What a job type is, and what a handler may touch."""
