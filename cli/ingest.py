"""reelq ingest: files and URLs become videos, each with the jobs of its pipeline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from reelq.cli.app import App, json_option, key_values, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

COLUMNS = (
    Column("video_id", "video", keep=True),
    Column("status", keep=True),
    Column("title"),
    Column("variants", "made", right=True),
    Column("error_code", "error"),
    Column("error_message", "why"),
)
REMOTE = ("http", "https", "s3")


@dataclass(frozen=True, slots=True)
class Source:
    """What download_video will fetch, and the name that people know it by."""

    url: str  # an absolute path on the workers' hosts, http(s)://… or s3://…
    name: str


@click.command("ingest")
@click.argument("sources", nargs=-1, required=True, metavar="FILE|URL…")
@click.option("--tenant", metavar="SLUG", help="Whose videos they are; else the tenant of reelq.tenant_id, else \"default\".")
@click.option("--user", metavar="USER", help="The tenant's user whose titles they are: an id or an e-mail address.")
@click.option("--pipeline", metavar="NAME", default="standard", show_default=True, help="What is done with them.")
@click.option(
    "--option",
    "options",
    metavar="STEP.KEY=VALUE",
    multiple=True,
    callback=key_values,
    help="Argument of a step of the pipeline, such as ladder.crf=21; may be repeated.",
)
@click.option("--title", help="Title of the video; default: the file's name. Only for a single source.")
@click.option("--key", help="Idempotency key: a second ingest with it returns the first video. Only for a single source.")
@click.option("--wait", is_flag=True, help="Show progress until all are ready or failed.")
@json_option
@pass_app
def ingest(
    app: App,
    sources: tuple[str, ...],
    tenant: str | None,
    user: str | None,
    pipeline: str,
    options: dict[str, Any],
    title: str | None,
    key: str | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Bring files or URLs in, and make renditions of them.

    A file is named by its path, which the workers must be able to read; http(s):// and s3:// sources are
    fetched by them. All sources are checked first, and all of them come in or none. With --wait the exit
    code is 1 when one failed; Ctrl-C ends the waiting; the work goes on.

    \b
    Examples:
      reelq ingest clip.mp4 --wait
      reelq ingest *.mov --tenant acme --json | jq -r .video_id
      reelq ingest https://media.example/talk.mp4 --title "A talk" --option ladder.renditions=720p,360p
      reelq ingest -- -starts-with-a-dash.mp4
    """
    from reelq.worker.rooms import media, queue
    from reelq.worker.rooms.identity import quotas

    if title is not None and len(sources) > 1:
        raise click.UsageError("--title must stand with one source, not several")
    if key is not None and len(sources) > 1:
        raise click.UsageError("--key must stand with one source, not several")
    found = read_all(sources)
    with app.connect() as conn, conn.transaction():
        user_id = quotas.find_account(conn, user) if user is not None else None
        videos = [
            queue.ingest_video(
                conn,
                source.url,
                tenant=tenant,
                user_id=user_id,
                pipeline=pipeline,
                options=options,
                title=title,
                original_filename=source.name,
                idempotency_key=key,
            )
            for source in found
        ]
    rows = {
        str(video_id): {
            "video_id": str(video_id),
            "source_url": source.url,
            "title": title or source.name,
            "status": "pending",
            "variants": 0,
            "error_code": None,
            "error_message": None,
        }
        for video_id, source in zip(videos, found, strict=True)
    }
    if key is not None and not wait:  # perhaps it came in long ago
        with app.connect(tenant=tenant) as conn:
            for video_id in videos:
                rows[str(video_id)].update(as_it_is(media.show_video(conn, video_id)))
    if wait:
        from reelq.cli.terminal.waiting import wait_for

        try:
            waited = wait_for(app, videos)
        except KeyboardInterrupt:
            output.say("The work goes on; follow it with: reelq top")
            raise
        for video in waited:
            rows[video["id"]].update(as_it_is(video))
    output.emit(rows.values(), as_json, COLUMNS)
    return 1 if any(row["status"] == "failed" for row in rows.values()) else 0


def as_it_is(video: dict[str, Any]) -> dict[str, Any]:
    """The columns that change while it is worked on."""
    found = {name: video[name] for name in ("title", "status", "error_code", "error_message")}
    return {**found, "variants": len(video["variants"])}


def read_all(texts: tuple[str, ...]) -> list[Source]:
    """Check every source.

    Raises:
        click.UsageError: with every one that cannot be taken, a line each.
    """
    found, mistakes = [], []
    for text in texts:
        try:
            found.append(read(text))
        except ValueError as error:
            mistakes.append(f"{text!r} {error}")
    if mistakes:
        raise click.UsageError("\n".join(mistakes), click.get_current_context(silent=True))
    return found


def read(text: str) -> Source:
    """One source: http(s)://, s3://, file:///path, else a path.

    Raises:
        ValueError: why it cannot be taken.
    """
    scheme = re.match(r"([a-z][a-z0-9+.-]*)://", text, re.IGNORECASE)
    if scheme is None or Path(text).exists():
        return local(text)
    if scheme[1].lower() == "file":
        return local(unquote(urlsplit(text).path))
    if scheme[1].lower() not in REMOTE:
        raise ValueError(f"must be a path, http://, https:// or s3://, not {scheme[1]}://")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"must be a URL ({error})") from None
    if not host or (scheme[1].lower() == "s3" and not parts.path.strip("/")):
        raise ValueError("must be a whole URL: https://host/path or s3://bucket/key")
    if scheme[1].lower() == "s3":  # a key is taken as it stands: `#`, `?` and `%` are letters of it
        return Source(text, text.rstrip("/").rpartition("/")[2])
    return Source(text, unquote(parts.path.rsplit("/", 1)[-1]) or host)


def local(text: str) -> Source:
    """A file of this host, by its absolute path; symbolic links stay as they are.

    Raises:
        ValueError: why it cannot be taken.
    """
    path = Path(text).absolute()
    try:
        text.encode()
        if path.is_dir():
            raise ValueError("must be a file, not a folder; name the files in it")
        if not path.exists():
            raise ValueError("must be an existing file")
        if not path.is_file():
            raise ValueError("must be a regular file")
        with path.open("rb"):
            pass
    except UnicodeEncodeError:
        raise ValueError("must have a name in UTF-8, which the database can keep; rename or link the file") from None
    except OSError as error:
        raise ValueError(f"must be a file that can be read ({(error.strerror or str(error)).lower()})") from None
    return Source(str(path), path.name)
