"""The parts of a running worker; `worker.runner` puts them together."""
