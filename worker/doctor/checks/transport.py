"""Whether what goes over a network is encrypted, and to the server that is meant: TLS 1.3, verified, to database and store."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg

from reelq.worker import db
from reelq.worker.db.rows import Connection, scalar
from reelq.worker.doctor.checks.findings import Finding, database, host
from reelq.worker.errors import ReelqError
from reelq.worker.settings import Settings, environment
from reelq.worker.stores.s3 import endpoint_of

NEWEST = "TLSv1.3"
HANDSHAKE_S = 5.0
REMEDY = (
    "Add sslmode=verify-full, sslrootcert=/etc/ssl/certs/ca-certificates.crt (or the file of your own CA) and "
    "ssl_min_protocol_version=TLSv1.3 to it: docs/operate.md, TLS"
)


def check_database(settings: Settings, conn: Connection) -> Iterator[Finding]:
    """The connection, and the direct one where there is a pooler."""
    yield connection("DATABASE_URL", conn)
    if db.behind_pooler(settings) and not db.polls(settings):
        with suppress(ReelqError, psycopg.Error), db.family(), db.connect(settings, "reelq doctor", direct=True) as direct:  # `notifications` tells
            yield connection("REELQ_DATABASE_DIRECT_URL", direct)


def connection(name: str, conn: Connection) -> Finding:
    """One connection: how it is encrypted, and how sure it is of the other side."""
    address = conn.info.hostaddr or conn.info.host
    if not address or address.startswith(("/", "@")):
        return database("ok", "tls", f"{name}: a socket of this host, which needs none")
    if is_loopback(address):
        return database("ok", "tls", f"{name}: {address} is this host, where none is needed")
    if not conn.pgconn.ssl_in_use:
        detail = f"{name}: the connection to {conn.info.host} is not encrypted: others may read it"
        return database("warn", "tls", detail, f"{REMEDY}. The server needs ssl = on.")
    words = {option.keyword.decode(): (option.val or b"").decode() for option in conn.pgconn.info}
    mode, least = words.get("sslmode", ""), words.get("ssl_min_protocol_version", "")
    # Of a pooler's own connection to the server nothing is said here: pg_stat_ssl would tell of that one.
    version = least if db.has_pooler(conn) else str(scalar(conn, "select version from pg_stat_ssl where pid = pg_backend_pid()"))
    if mode != "verify-full":
        what = "the server's name is not checked" if mode == "verify-ca" else "the server is not verified, so that anybody in between can be it"
        return database("warn", "tls", f"{name}: {version or 'TLS'}, but {what} (sslmode={mode})", REMEDY)
    if version != NEWEST:
        return database("warn", "tls", f"{name}: {version or 'TLS of any version'}, which is below 1.3", REMEDY)
    return database("ok", "tls", f"{name}: {version}, and the server is the one that is meant (verify-full)")


def check_store(settings: Settings) -> Iterator[Finding]:
    """An S3 server, and where a folder's objects are served."""
    if settings.store.startswith("s3://"):
        yield server(endpoint_of(settings))
    link = urlsplit(settings.public_url)
    if link.scheme == "http" and not is_loopback(link.hostname or ""):
        detail = f"REELQ_PUBLIC_URL: links lead to {link.netloc} over http: others may read them, and what they lead to"
        yield host("warn", "store tls", detail, "Serve it over https.")


def server(url: str) -> Finding:
    """An S3 server by its address; our client always verifies who answers over https."""
    place = urlsplit(url)
    name = place.hostname or ""
    if place.scheme != "https":
        if is_loopback(name):
            return host("ok", "store tls", f"{url} is this host, where none is needed")
        detail = f"{url}: objects and signed requests go over http: others may read them, and change what comes"
        return host("warn", "store tls", detail, "REELQ_S3_ENDPOINT_URL: an https address. AWS_CA_BUNDLE names the file of a CA of your own.")
    version = version_of(name, place.port or 443)
    if version not in (None, NEWEST):
        return host("warn", "store tls", f"{url}: {version}, which is below 1.3", "Let the server, or the proxy before it, offer TLS 1.3.")
    return host("ok", "store tls", f"{url}: {version or 'https'}, verified")


def version_of(name: str, port: int) -> str | None:
    """What the server and this host agree on; None when it does not answer, which the store's own check tells."""
    bundle = environment().get("AWS_CA_BUNDLE")
    try:
        context = ssl.create_default_context(cafile=bundle if bundle and os.access(bundle, os.R_OK) else None)
        with socket.create_connection((name, port), HANDSHAKE_S) as plain, context.wrap_socket(plain, server_hostname=name) as wrapped:
            return wrapped.version()
    except (OSError, ValueError):
        return None


def is_loopback(name: str) -> bool:
    """Whether an address, or `localhost`, is this host by itself."""
    with suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    return name == "localhost"
