"""Adapters of other queues. Each runs in its queue's own environment, so each imports only that and the protocol."""
