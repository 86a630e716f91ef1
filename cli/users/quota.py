"""reelq users quota: how many videos a month a user may bring in."""

from __future__ import annotations

import click

from reelq.cli.app import App, json_option, pass_app
from reelq.cli.quotas import RESET_DAY, VIDEOS, set_for, show_for


@click.group("quota")
def quota() -> None:
    """How many videos a month a user may bring in."""


@quota.command("show")
@click.argument("user")
@json_option
@pass_app
def show_quota(app: App, user: str, as_json: bool) -> None:
    """Show a user's quota, and how much of it is used. USER is an id or an e-mail address.

    \b
    Examples:
      reelq users quota show ann@acme.example
    """
    from reelq.worker.rooms.identity import quotas as room

    with app.connect() as conn:
        show_for(conn, None, room.find_account(conn, user), as_json)


@quota.command("set")
@click.argument("user")
@click.argument("videos", type=VIDEOS)
@click.option("--reset-day", type=RESET_DAY, metavar="DAY", help="The day of the month on which it begins anew, in UTC.")
@json_option
@pass_app
def set_quota(app: App, user: str, videos: int, reset_day: int | None, as_json: bool) -> None:
    """Set how many videos a month a user may bring in without a subscription. USER is an id or an e-mail address; VIDEOS a number, or "unlimited".

    \b
    Examples:
      reelq users quota set ann@acme.example 100
      reelq users quota set ann@acme.example unlimited
    """
    from reelq.worker.rooms.identity import quotas as room

    with app.connect() as conn:
        user_id = room.find_account(conn, user)
        set_for(conn, None, user_id, videos, reset_day)
        show_for(conn, None, user_id, as_json)
