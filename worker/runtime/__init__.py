"""The worker process: claims jobs, runs them in its slots, and settles what has ended."""
