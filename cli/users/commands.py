"""reelq users."""

from __future__ import annotations

import click

from reelq.cli.users.personal import erase, erase_requested, erasures, export, find_pii


@click.group("users")
def users() -> None:
    """Accounts, and the personal data of those who have one.

    USER is an address or an id.

    \b
    Examples:
      reelq users export ann@example.com --output ann.jsonl
      reelq users erase ann@example.com --dry-run
      reelq users find-pii
    """


for command in (export, erase, erase_requested, erasures, find_pii):
    users.add_command(command)
