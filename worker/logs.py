"""Log lines: JSON, or coloured text on a terminal; to stderr; never with a secret in them.

An event is `noun.past_participle` with keys that bear their units. What libraries log through
the standard library (boto3, httpx, psycopg's pool) comes out in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from contextvars import ContextVar
from typing import Any, TextIO, cast

import structlog
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ProgrammingError

from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.settings import FIELDS, Settings

# The job that this thread runs: whatever logs meanwhile, its lines bear the job. A variable of our own instead of
# structlog's three: it is set for every job, and read only when a line is written.
job: ContextVar[ClaimedJob | None] = ContextVar("job", default=None)

SHORTEST_SECRET = 4  # characters; masking shorter ones would mask much of the text
MASK = "********"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set up logging for this process."""
    stream = cast("TextIO", Lossy(sys.stderr if stream is None else stream))
    console = settings.log_format == "console" or (settings.log_format == "auto" and stream.isatty())
    level = getattr(logging, settings.log_level.upper())
    encode = json.JSONEncoder(default=str, ensure_ascii=False).encode
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _name_job,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=stream.isatty())]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(lambda line, **_options: encode(line))]
    )
    last.append(Masker(settings))
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    threading.excepthook = _log_death


def set_level(name: str) -> None:
    """Log from this level on, in all threads."""
    level = getattr(logging, name.upper())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    logging.getLogger().setLevel(max(level, logging.WARNING))


class Lossy:
    """A stream that drops lines while it cannot be written, as on a full disk: work counts for more than its log. Then it says how many."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0
        self.isatty = stream.isatty

    def write(self, text: str) -> None:
        """Write, or count what is lost."""
        try:
            if self._lost:
                self._stream.write(json.dumps({"event": "log.lost", "level": "warning", "lines": self._lost}) + "\n")
                self._stream.flush()
                self._lost = 0
            self._stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self._lost += text.count("\n")

    def flush(self) -> None:
        """Write what the stream holds back."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._lost += 1


def _name_job(_logger: Any, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """structlog's processor: adds the job that runs, unless the line names one."""
    running = job.get()
    if running is not None and "job_id" not in line:
        line.update(job_id=str(running.job_id), job_type=running.job_type, attempt=running.token)
    return line


def _log_death(death: threading.ExceptHookArgs) -> None:
    """A thread died of a bug: write it to the log."""
    if death.exc_value is not None:
        name = death.thread.name if death.thread else None
        structlog.get_logger().error("thread.died", thread=name, exc_info=death.exc_value)


class Masker:
    """Replaces every secret of the settings in the finished line, wherever it came from."""

    def __init__(self, settings: Settings) -> None:
        secrets = {str(getattr(settings, name)) for name, field in FIELDS.items() if field.secret}
        for url in (settings.database_url, settings.database_direct_url):
            try:
                secrets.add(str(conninfo_to_dict(url).get("password", "")))
            except ProgrammingError:
                continue  # `off`, or not a connection string: all of it is masked
        long = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        long |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in long}
        self._secrets = sorted(long, key=len, reverse=True)

    def __call__(self, logger: Any, method: str, line: str) -> str:
        """structlog's last processor: text in, text out."""
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line
