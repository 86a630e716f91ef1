"""Monthly quotas, for `reelq tenants quota` and `reelq users quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import Whole
from reelq.cli.terminal import output

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

UNLIMITED = -1
RESET_DAY = Whole(1, 31)


class Videos(click.ParamType[Any]):
    """A number of videos, or "unlimited"."""

    name = "videos"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The value; refuses with what it must be."""
        if value in ("unlimited", UNLIMITED):
            return UNLIMITED
        number: int = Whole(0, 2147483647, words='a number of videos, or "unlimited"').convert(value, param, ctx)
        return number


VIDEOS = Videos()


def show_for(conn: psycopg.Connection[Any], tenant: str | None, user_id: UUID | None, as_json: bool) -> None:
    """Print the quota of a user, or of a tenant."""
    from reelq.worker.rooms.identity import quotas as room

    found = room.show_quota(conn, tenant, user_id)
    if as_json:
        output.emit_record(found, True)
        return
    bound = {} if found.monthly_quota is not None else {"monthly_quota": "unlimited", "used": "not counted", "resets_on": None}
    record = {name: getattr(found, name) for name in ("tenant", "user_id", "monthly_quota", "used", "remaining", "resets_on", "source")}
    output.emit_record({**record, **bound}, False)


def set_for(conn: psycopg.Connection[Any], tenant: str | None, user_id: UUID | None, videos: int, reset_day: int | None) -> None:
    """Set it."""
    from reelq.worker.rooms.identity import quotas as room

    room.set_quota(conn, tenant, user_id, None if videos == UNLIMITED else videos, reset_day)
