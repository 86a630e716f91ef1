"""One module a job type; none imports another."""
