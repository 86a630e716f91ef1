"""Servers that stand in for the outside world: loopback only, gone with the test process."""
