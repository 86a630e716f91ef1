"""Secrets are never arguments, which every process of the host can read: they are asked for on a terminal, else read from stdin."""

from __future__ import annotations

import sys

import click

from reelq.cli.terminal import output


def secret(what: str, *, twice: bool = False) -> str:
    """Ask without an echo, or read the first line of stdin; `what` as in "password"."""
    if output.can_ask():
        asked: str = click.prompt(what.capitalize(), hide_input=True, confirmation_prompt=twice, err=True)
        return asked
    try:
        given = sys.stdin.readline(8192) if sys.stdin is not None else ""
        given.encode()
    except UnicodeError:  # the terminal of their owner would send other bytes
        raise click.UsageError(f"a {what} must be UTF-8 on stdin") from None
    if not given.rstrip("\r\n"):
        raise click.UsageError(f"a {what} must be given on stdin, as in: reelq … < FILE")
    return given.rstrip("\r\n")
