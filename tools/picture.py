"""The picture of the README: `reelq top` while a private stack works.

    python -m tools.picture > docs/pictures/top.svg

Starts the demo's stack in a folder of its own, brings five videos in, of which one is no video, waits until a ladder is
half-way, and draws the same screen that a terminal gets. Ids, times and speeds differ from run to run; all are measured.
"""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from demo.pictures import Studio
from demo.stack import Stack, alone
from reelq.cli.terminal import output
from reelq.cli.top.screen import draw
from reelq.cli.top.snapshot import Snapshot, look
from reelq.worker.rooms import queue

WIDTH, HEIGHT = 112, 22
NAMES = ("harbour.mp4", "tram at night.mp4", "the long walk.mp4", "interview.mp4")
LADDER = "video_transcode"
WAIT_S = 600.0  # on a busy machine a ladder takes a minute
ENOUGH = 0.4  # of a ladder: a bar that is seen to move

# As rich.console._export_format.CONSOLE_SVG_FORMAT, without the fonts that it fetches from another host.
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
    .{unique_id}-matrix {{ font-size: {char_height}px; line-height: {line_height}px; }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def at_work(stack: Stack) -> Snapshot:
    """Bring the videos in, and look until a ladder is under way and another video has failed.

    Raises:
        TimeoutError: it took too long.
    """
    clip = Studio(stack.app.settings).clip(stack.folder / "clips")
    broken = stack.folder / "clips" / "broken.mp4"
    broken.write_bytes(b"this is no video\n" * 100)
    with stack.app.connect() as conn:
        queue.ingest_video(conn, str(broken), original_filename=broken.name)
        for name in NAMES:
            queue.ingest_video(conn, str(clip), original_filename=name)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            stack.check_workers()
            seen = look(conn)
            if seen.failures and any(job.job_type == LADDER and (job.progress or 0) > ENOUGH for job in seen.running):
                return seen
            time.sleep(0.2)
    raise TimeoutError(f"no ladder was half-way within {WAIT_S:.0f} s")


def picture(seen: Snapshot) -> str:
    """The screen as an SVG."""
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(draw(seen, WIDTH, HEIGHT))
    console.print()  # below the last line, whose descenders would be cut off
    return console.export_svg(title="reelq top", theme=MONOKAI, code_format=SVG, unique_id="top")


def main() -> None:
    """Print it."""
    with tempfile.TemporaryDirectory(prefix="reelq-picture-") as name:
        folder = Path(name)
        with alone(folder):
            stack = Stack(folder)
            try:
                stack.start()
                seen = at_work(stack)
            finally:
                stack.stop()
    output.raw(picture(seen))


if __name__ == "__main__":
    main()
