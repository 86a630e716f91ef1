"""The queue under concurrent load with crashes, zombies and meddling; `python -m tests.stress --help`."""
