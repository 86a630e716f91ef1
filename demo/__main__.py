"""./run demo: the main job end to end, in a folder of the checkout, with nothing else on the machine touched."""

from __future__ import annotations

import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from demo.postgres import PostgresError
from demo.stack import ROOT, DemoError, Stack, alone
from reelq.cli.ingest import Source, read_all
from reelq.cli.main import explain
from reelq.cli.terminal import output, text
from reelq.cli.terminal.waiting import wait_for
from reelq.cli.videos import VARIANTS, described


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, metavar="[FILE|URL…]")
@click.option("--keep", is_flag=True, help="Leave the stack up, and say how to go on with it.")
@click.option("--stop", is_flag=True, help="End the stack that --keep left up.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "demo-data", help="Where all of it lies.",
)  # fmt: skip
def demo(files: tuple[str, ...], keep: bool, stop: bool, folder: Path) -> int:
    """Bring videos through the whole system: your files, or a clip that is made on the spot.

    Starts a private Postgres, a folder of objects and two workers; shows progress, and what was made and
    where it lies. What was made stays in demo-data; a later run is quick and goes on with it.

    \b
    Examples:
      ./run demo
      ./run demo holiday.mov "a song.mp3"
      ./run demo --keep
      ./run demo --stop
    """
    folder = folder.absolute()
    if stop:
        if files or keep:
            raise click.UsageError("--stop goes alone")
        return end(folder)
    sources = read_all(files) if files else []  # before anything is started
    with alone(folder), ends_in_order():
        stack = Stack(folder)
        try:
            failed = play(stack, sources)
            if keep:
                stack.keep()
        except KeyboardInterrupt:
            output.say("The stack stays up." if stack.kept else "Stopping; what is unfinished goes on with the next run.")
            raise
        finally:
            if not stack.kept:
                stack.stop()
        if stack.kept:
            tell_how_to_go_on(stack)
        return failed


def play(stack: Stack, sources: list[Source]) -> int:
    """Start, bring in, wait, show; the exit code."""
    from demo.pictures import Studio
    from reelq.worker.rooms import media, queue

    started = time.monotonic()
    output.say(f"Starting Postgres and two workers in {stack.folder} …")
    applied = stack.start()
    news = f"; {len(applied)} schema files applied" if applied else ""
    output.say(f"Up after {text.duration(time.monotonic() - started)}{news}.")
    if not sources:
        clip = Studio(stack.app.settings).clip(stack.folder / "clips")
        sources = [Source(str(clip), clip.name)]
    with stack.app.connect() as conn, conn.transaction():
        ids = [queue.ingest_video(conn, one.url, original_filename=one.name) for one in sources]

    def pause(seconds: float) -> bool:
        stack.check_workers()
        time.sleep(seconds)
        return False

    videos = wait_for(stack.app, ids, pause)
    with stack.app.connect() as conn:
        for video in videos:
            show(stack, video, media.list_variants(conn, video["id"]))
        known = len(media.list_videos(conn, limit=1000))
    took = text.duration(time.monotonic() - started)
    output.say(f"\nAll took {took}; videos in the database: {known}.")
    return 1 if any(video["status"] == "failed" for video in videos) else 0


def show(stack: Stack, video: dict[str, Any], variants: list[Any]) -> None:
    """What became of one video: a table, and the folder that has links to all of it."""
    from demo.pictures import Studio, folder_name, link_all, smallest
    from reelq.worker.stores.open import open_store

    asset = video["asset"]
    facts = [text.duration(asset["duration_seconds"]), text.size(asset["size_bytes"])]
    facts += [f"{asset['width']}×{asset['height']}" if asset["width"] else "", asset["video_codec"], asset["audio_codec"]]
    output.line(f"\n{text.clean(video['title'] or '')}: " + ", ".join(word for word in facts if word), clean=False)
    if video["status"] == "failed":
        output.line(f"failed: {video['error_code']}: {video['error_message']}")
        return
    output.emit([described(variant) for variant in variants], False, VARIANTS)
    folder = stack.folder / "made" / folder_name(video["title"] or "", video["id"])
    link_all(stack.folder / "objects", variants, folder)
    small = smallest(variants)
    if small is not None:
        Studio(stack.app.settings).contact_sheet(open_store(stack.app.settings), small, folder)
    output.line("")
    output.line(f"Look at it: {near(folder)}/")
    output.raw(
        textwrap.fill(
            "  ".join(sorted(path.name for path in folder.iterdir())),
            78,
            initial_indent="  ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
    output.line(f"Objects: {near(stack.folder / 'objects' / Path(variants[0].key).parents[2])}/")


def near(path: Path) -> Path:
    """The path from here, when it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def tell_how_to_go_on(stack: Stack) -> None:
    """The lines for a shell."""
    output.say("\nThe stack stays up. Go on with:")
    output.raw(
        f"  . {stack.folder}/env\n"
        f"  {stack.psql()} {stack.url}\n"
        "  ./run reelq top\n"
        "  ./run reelq jobs list\n"
        "  ./run reelq ingest FILE --wait\n"
        "  ./run demo --stop"
    )


def end(folder: Path) -> int:
    """--stop."""
    with alone(folder):
        was_up = Stack(folder).stop()
    output.say("The stack is down; its data stays." if was_up else "Nothing was up.")
    return 0


@contextmanager
def ends_in_order() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo the way Ctrl-C does; a second one cannot cut the clean-up short."""
    wanted = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def once(signum: int, frame: object) -> None:
        del frame
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(signum).name)

    before = {each: signal.signal(each, once) for each in wanted}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def main() -> int:
    """Run it; errors become one line and an exit code, as everywhere."""
    try:
        result = demo.main(prog_name="./run demo", standalone_mode=False)
        output.flush()
    except PostgresError as error:
        return explain(DemoError(str(error)))
    except BaseException as error:  # noqa: BLE001 - the last line of defence: whatever it is becomes one line and a code
        return explain(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
