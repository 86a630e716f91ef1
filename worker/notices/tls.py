"""Whom mail servers and push services have to prove that they are."""

from __future__ import annotations

import ssl

import httpx

from reelq.worker.settings import Settings


def context(settings: Settings) -> ssl.SSLContext:
    """The certificates of the internet, or those of REELQ_CA_FILE; nothing of the environment's."""
    return ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else httpx.create_ssl_context(trust_env=False)
