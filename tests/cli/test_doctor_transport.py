"""reelq doctor on TLS to database and store, and on the keys of secrets: real servers, real certificates."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker import settings
from reelq.worker.doctor.checks import transport
from reelq.worker.secrets import Keyring
from tests.cli.conftest import Reelq
from tests.fakes import certificates
from tests.fakes.http_source import http_source
from tests.sql.secretkit import seal_users, settings_of, shaped

Conn = psycopg.Connection[Any]
Found = Callable[..., list[dict[str, Any]]]
PATIENCE_S = 60.0


class TlsServer:
    """A server with a certificate of the test's own CA, for localhost and 127.0.0.1."""

    def __init__(self, server: postgres.Server, folder: Path) -> None:
        self.server = server
        ca, shown, key = certificates.authority("localhost", "127.0.0.1")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(ca)
        self.other_ca = folder / "other.pem"
        self.other_ca.write_bytes(certificates.authority("localhost", "127.0.0.1", "another CA")[0])
        for name, content in (("server.crt", shown), ("server.key", key)):
            path = server.data / name
            path.write_bytes(content)
            path.chmod(0o600)
            os.chown(path, server.data.stat().st_uid, server.data.stat().st_gid)

    def set(self, name: str, value: str) -> None:
        """Change a parameter, and wait until a new session has it."""
        with psycopg.connect(self.server.url(), autocommit=True) as conn:
            conn.execute(f"alter system set {name} = '{value}'".encode())
            conn.execute("select pg_reload_conf()")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with psycopg.connect(self.server.url()) as conn:
                if conn.execute(f"show {name}".encode()).fetchone() == (value,):
                    return
            assert time.monotonic() < deadline, f"the server does not take {name}"

    def url(self, host: str = "127.0.0.1", /, **words: object) -> str:
        given = "&".join(f"{name}={value}" for name, value in words.items())
        return f"postgresql://postgres@{host}:{self.server.port}/postgres?{given}"


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with postgres.throwaway(postgres.choose()) as server:
        found = TlsServer(server, tmp_path_factory.mktemp("tls"))
        found.set("ssl", "on")
        yield found


@pytest.fixture
def doctor(bare: Reelq, store_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """doctor(finding, VARIABLE=value, …): what is said of it, `place` being host or database."""
    monkeypatch.setenv("REELQ_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("REELQ_FFMPEG", "/nowhere/ffmpeg")
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())

    def look(finding: str, place: str = "database", **environ: object) -> list[dict[str, Any]]:
        for name, value in environ.items():
            monkeypatch.setenv(name, str(value))
        return [row for row in bare("doctor", "--only", place, "--json").rows if row["finding"] == finding]

    return look


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 127.0.0.1 were another host."""
    monkeypatch.setattr(transport, "is_loopback", lambda _: False)


VERIFIED = {"sslmode": "verify-full", "ssl_min_protocol_version": "TLSv1.3"}


def test_a_connection_within_this_host_needs_none(doctor: Found, tls_server: TlsServer) -> None:
    (row,) = doctor("tls", DATABASE_URL=tls_server.url(sslmode="disable"))
    assert row["level"] == "ok" and "127.0.0.1 is this host" in row["detail"]
    socket = tls_server.server.folder / "socket"
    (row,) = doctor("tls", DATABASE_URL=f"postgresql://postgres@/postgres?host={socket}&port={tls_server.server.port}")
    assert row["level"] == "ok" and "a socket of this host" in row["detail"]


def test_what_the_documents_say_is_found_well(doctor: Found, tls_server: TlsServer, far: None) -> None:
    for host in ("127.0.0.1", "localhost"):
        (row,) = doctor("tls", DATABASE_URL=tls_server.url(host, sslrootcert=tls_server.ca, **VERIFIED))
        assert (row["level"], row["remedy"]) == ("ok", None) and "TLSv1.3, and the server is the one that is meant" in row["detail"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"sslmode": "disable"}, "is not encrypted"),
        ({"sslmode": "prefer"}, "TLSv1.3, but the server is not verified, so that anybody in between can be it (sslmode=prefer)"),
        ({"sslmode": "require"}, "the server is not verified"),
        ({"sslmode": "verify-ca"}, "the server's name is not checked (sslmode=verify-ca)"),
        ({"sslmode": "verify-full", "ssl_max_protocol_version": "TLSv1.2"}, "TLSv1.2, which is below 1.3"),
    ],
)
def test_less_is_told_with_what_to_write(doctor: Found, tls_server: TlsServer, far: None, words: dict[str, object], says: str) -> None:
    (row,) = doctor("tls", DATABASE_URL=tls_server.url(**({"sslrootcert": tls_server.ca} if "verify" in str(words["sslmode"]) else {}), **words))
    assert row["level"] == "warn" and says in row["detail"]
    assert "sslmode=verify-full, sslrootcert=/" in row["remedy"] and "ssl_min_protocol_version=TLSv1.3" in row["remedy"]


def test_pgsslmode_counts_as_the_url_does(doctor: Found, tls_server: TlsServer, far: None) -> None:
    (row,) = doctor("tls", DATABASE_URL=tls_server.url(), PGSSLMODE="verify-full", PGSSLROOTCERT=tls_server.ca)
    assert row["level"] == "ok"


def test_the_default_of_the_documents_lets_nobody_else_in(doctor: Found, tls_server: TlsServer, far: None) -> None:
    """Another CA, another name, and a server below 1.3: no connection at all, and doctor says why."""
    (row,) = doctor("database", DATABASE_URL=tls_server.url(sslrootcert=tls_server.other_ca, **VERIFIED))
    assert row["level"] == "bad" and "certificate verify failed" in row["detail"] and "sslrootcert must name the file" in row["remedy"]
    (row,) = doctor("database", DATABASE_URL=tls_server.url("127.0.0.2", sslrootcert=tls_server.ca, hostaddr="127.0.0.1", **VERIFIED))
    assert row["level"] == "bad" and "does not match host name" in row["detail"]
    tls_server.set("ssl_max_protocol_version", "TLSv1.2")
    try:
        (row,) = doctor("database", DATABASE_URL=tls_server.url(sslrootcert=tls_server.ca, **VERIFIED))
        assert row["level"] == "bad" and "protocol version" in row["detail"] and "docs/operate.md, TLS" in row["remedy"]
    finally:
        tls_server.set("ssl_max_protocol_version", "")


def test_the_direct_connection_is_looked_at_too(doctor: Found, tls_server: TlsServer, far: None) -> None:
    good = tls_server.url(sslrootcert=tls_server.ca, **VERIFIED)
    rows = doctor("tls", DATABASE_URL=good, REELQ_DATABASE_DIRECT_URL=tls_server.url(sslmode="disable"))
    assert [row["level"] for row in rows] == ["ok", "warn"] and rows[1]["detail"].startswith("REELQ_DATABASE_DIRECT_URL: ")


# --- the store


def store(**environ: str) -> list[tuple[str, str]]:
    return [(row.level, f"{row.detail} → {row.remedy}") for row in transport.check_store(settings.load({"REELQ_STORE": "s3://bucket", **environ}))]


def test_a_store_over_http_is_told_unless_it_is_this_host() -> None:
    for here in ("127.0.0.1", "localhost", "[::1]"):
        ((level, told),) = store(REELQ_S3_ENDPOINT_URL=f"http://{here}:9000")
        assert level == "ok" and "is this host" in told
    ((level, told),) = store(REELQ_S3_ENDPOINT_URL="http://203.0.113.1:9000")
    assert level == "warn" and "go over http" in told and "AWS_CA_BUNDLE" in told


def test_doctor_tells_it_beside_what_else_is_wrong(doctor: Found) -> None:
    (row,) = doctor("store tls", "host", REELQ_PUBLIC_URL="http://cdn.example/objects")
    assert (row["level"], row["place"]) == ("warn", "host") and "REELQ_PUBLIC_URL" in row["detail"]


def test_aws_own_variable_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://203.0.113.1:9000")
    ((level, told),) = store()
    assert level == "warn" and "http://203.0.113.1:9000" in told


def test_links_over_https_or_within_this_host_are_fine() -> None:
    assert [store(REELQ_STORE="file:///srv", REELQ_PUBLIC_URL=url) for url in ("http://127.0.0.1:8080", "https://cdn.example", "")] == [[], [], []]


@pytest.mark.parametrize(("most", "level", "says"), [(None, "ok", "TLSv1.3, verified"), (ssl.TLSVersion.TLSv1_2, "warn", "TLSv1.2, which is below 1.3")])
def test_what_a_store_speaks_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: ssl.TLSVersion | None, level: str, says: str) -> None:
    context, _ = certificates.contexts("localhost", tmp_path)
    if most is not None:
        context.maximum_version = most
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with http_source(tls=context) as source:
        row = transport.server(f"https://localhost:{source.port}")
    assert row.level == level and says in row.detail


def test_a_store_that_does_not_answer_is_left_to_its_own_check() -> None:
    row = transport.server("https://127.0.0.1:1")
    assert (row.level, row.detail) == ("ok", "https://127.0.0.1:1: https, verified")


# --- the keys


def test_a_host_without_keys_opens_no_secrets(doctor: Found, dsn: str, conn: Conn, bare: Reelq) -> None:
    (row,) = doctor("keys", "host")
    assert row["level"] == "ok" and "No key file is named" in row["detail"]
    assert doctor("keys", DATABASE_URL=dsn) == []
    conn.execute("update identity.users set two_factor_secret = null")


def test_the_file_is_looked_at(doctor: Found, dsn: str, bare: Reelq, tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    (row,) = doctor("keys", "host", REELQ_SECRETS_FILE=path, DATABASE_URL=dsn)
    assert row["level"] == "bad" and "is not there" in row["detail"] and "reelq secrets init" in row["remedy"]
    assert bare("secrets", "init").code == 0
    (row,) = doctor("keys", "host")
    assert row["level"] == "ok" and "1 key, current k" in row["detail"]
    path.chmod(0o640)
    (row,) = doctor("keys", "host")
    assert row["level"] == "bad" and "not 0640" in row["detail"] and "chmod 600" in row["remedy"]


def test_the_file_is_compared_with_the_rows(doctor: Found, dsn: str, bare: Reelq, tmp_path: Path, conn: Conn) -> None:
    path = tmp_path / "secrets"
    assert doctor("keys", DATABASE_URL=dsn, REELQ_SECRETS_FILE=path) == [], "the host's check tells"
    bare("secrets", "init")
    first = Keyring.load(settings_of(path)).current.key_id
    (user, _) = seal_users(conn, Keyring.load(settings_of(path)), 2)
    (row,) = doctor("keys")
    assert row["level"] == "ok" and "every key" in row["detail"]
    older = path.read_bytes()
    bare("secrets", "rotate")
    path.write_bytes(older)
    rows = doctor("keys")
    assert [row["level"] for row in rows] == ["bad", "bad"] and "which is not in" in rows[0]["detail"] and "The current key" in rows[1]["detail"]
    conn.execute("update ops.secret_keys set check_value = '0123456789abcdef' where key_id = %s", [first])
    assert [row for row in doctor("keys") if "another key than the database knows" in row["detail"]]
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [shaped("k1"), user])
    assert [row for row in doctor("secrets") if "under key k1, of which no host has told" in row["detail"]]


def test_a_worker_s_account_is_told_what_it_may_see(doctor: Found, dsn: str, bare: Reelq, tmp_path: Path, conn: Conn) -> None:
    doctor("keys", DATABASE_URL=dsn, REELQ_SECRETS_FILE=tmp_path / "secrets")
    bare("secrets", "init")
    (row,) = doctor("keys", PGOPTIONS="-c role=reelq_worker")
    assert row["level"] == "ok" and "no operator's" in row["detail"]
    conn.execute("update ops.secret_keys set is_current = false")
    (row,) = doctor("keys", PGOPTIONS="")
    assert row["level"] == "warn" and "no current key" in row["detail"]
