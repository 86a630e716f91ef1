"""What shells are offered for arguments that the database knows: types, pipelines, tenants, workers, ids, keys of limits.

Quick and silent: nothing is offered when the database is away, slow, or says no.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete, add_completion_class

from reelq.cli.terminal import text

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.settings import Settings

PATIENCE_S = 2.0  # for the database's answer; then nothing is offered
CONNECT_S = 2  # libpq's shortest
MOST = 50  # of ids: the newest
END = "\1"  # behind the line as it was typed: whether a new word has begun

Offer = tuple[str, str]  # a word, and what it is, for shells that show that
Ask = Callable[["psycopg.Connection[Any]"], Iterable[Offer]]


def types(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Job types."""
    from reelq.worker.rooms.queue import job_types

    return [(one.job_type, one.description) for one in job_types.list_job_types(conn)]


def pipelines(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Pipelines."""
    from reelq.worker.rooms.queue import pipelines as room

    return [(one.name, one.description) for one in room.list_pipelines(conn)]


def schedules(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Schedules."""
    from reelq.worker.rooms.queue import schedules as room

    return [(one.name, one.cron) for one in room.list_schedules(conn)]


def tenants(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Tenants, by slug."""
    from reelq.worker.rooms import identity

    return [(one.slug, one.name) for one in identity.list_tenants(conn)]


def users(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """The newest users, by address."""
    from reelq.worker.rooms.identity import users as room

    return [(one.email, one.role) for one in room.list_users(conn, limit=MOST)]


def workers(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Workers that run."""
    from reelq.worker.rooms.queue import reads

    return [(one.worker_id, one.status) for one in reads.list_workers(conn)]


def hosts(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Hosts where a worker runs."""
    from reelq.worker.rooms.queue import reads

    return [(host, "") for host in sorted({one.host for one in reads.list_workers(conn)})]


def pools(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Pools of which a worker runs."""
    from reelq.worker.rooms.queue import reads

    return [(pool, "") for pool in sorted({one.pool for one in reads.list_workers(conn)})]


def jobs(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """The newest jobs, by id."""
    from reelq.worker.rooms.queue import reads

    return [(str(one.id), f"{one.job_type} {one.place}") for one in reads.list_jobs(conn, limit=MOST)]


def videos(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """The newest videos, by id."""
    from reelq.worker.rooms import media

    return [(str(one.id), f"{one.title or ''} {one.status}") for one in media.list_videos(conn, limit=MOST)]


def limits(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Limits that are set, and keys of those that could be."""
    from reelq.worker.rooms.queue import limits as room

    there = {one.name: f"at most {one.max_running}" for one in room.list_limits(conn)}
    could = {f"type:{name}": "" for name, _ in types(conn)} | {f"tenant:{slug}": "" for slug, _ in tenants(conn)} | {"tenant:*": "each tenant"}
    return [*({**could, **there}.items())]


def set_limits(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Limits that are set."""
    from reelq.worker.rooms.queue import limits as room

    return [(one.name, f"at most {one.max_running}") for one in room.list_limits(conn)]


def limit_names(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Named limits, without name:."""
    return [(name.removeprefix("name:"), told) for name, told in set_limits(conn) if name.startswith("name:")]


def settings(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Settings of the queue."""
    from reelq.worker.rooms.queue import maintenance

    return [(one.name, one.value) for one in maintenance.list_settings(conn)]


def codes(conn: psycopg.Connection[Any]) -> Iterable[Offer]:
    """Error codes of dead letters and of jobs that back off."""
    from reelq.worker.rooms.queue import reads

    return [(code, "") for code in dict.fromkeys(one.error_code for one in reads.count_errors(conn))]


# By the name of the parameter, wherever it stands; by command where a name means several things.
BY_NAME: dict[str, Ask] = {
    "job_type": types, "pipeline": pipelines, "tenant": tenants, "user": users, "worker_ids": workers, "worker": workers, "worker_id": workers,
    "host": hosts, "pool": pools, "job_id": jobs, "job_ids": jobs, "depends_on": jobs, "code": codes, "video_id": videos, "video_ids": videos,
}  # fmt: skip
BY_COMMAND: dict[str, Ask] = {
    "pipelines show name": pipelines, "pipelines graph name": pipelines, "pipelines add name": pipelines, "pipelines remove name": pipelines,
    "job-types show name": types, "schedules pause name": schedules, "schedules resume name": schedules, "schedules remove name": schedules,
    "queue set-limit key": limits, "queue drop-limit key": set_limits, "queue set name": settings, "jobs enqueue limits": limit_names,
}  # fmt: skip
BY_SCOPE: dict[str, Ask] = {"job_type": types, "tenant": tenants}  # what the key of `queue pause SCOPE KEY` is


def offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """What begins with what is typed; nothing when the database does not tell in time."""
    ask = find(ctx, param)
    if ask is None:
        return []
    given = {str(one) for one in ctx.params.get(param.name or "") or ()} if param.multiple or param.nargs == -1 else set()
    found = with_database(ctx, ask)
    return [CompletionItem(word, help=text.clean(told) or None) for word, told in found if word.startswith(incomplete) and word not in given]


def find(ctx: click.Context, param: click.Parameter) -> Ask | None:
    """Who knows what the parameter may be."""
    command = " ".join(ctx.command_path.split()[1:])
    if command in ("queue pause", "queue resume") and param.name == "key":
        return BY_SCOPE.get(str(ctx.params.get("scope")))
    return BY_COMMAND.get(f"{command} {param.name}") or BY_NAME.get(param.name or "")


def with_database(ctx: click.Context, ask: Ask) -> Iterable[Offer]:
    """The answer of the database, or nothing. Never raises, never prints, and the process never outlives its patience."""
    try:
        import psycopg

        from reelq.worker import db
        from reelq.worker.settings import load

        leave_in_time()
        given = ctx.find_root().params.get("database_url")
        chosen: Settings = load(**({"database_url": given} if given else {}))
        with psycopg.connect(db.conninfo(chosen, "reelq completion"), connect_timeout=CONNECT_S, **db.arguments(chosen)) as conn:
            conn.execute("set statement_timeout = '1s'; set lock_timeout = '200ms'")
            return list(ask(conn))
    except Exception:  # noqa: BLE001 - whoever is typing can do nothing about it now
        return []


def leave_in_time() -> None:
    """End the process when the offer takes too long: by a thread, and by the kernel where that one does not get to run."""
    watch = threading.Timer(PATIENCE_S, os._exit, [0])
    watch.daemon = True
    watch.start()
    signal.setitimer(signal.ITIMER_REAL, 2 * PATIENCE_S)


def teach(command: click.Command) -> None:
    """Let a command, and those below it, offer what the database knows."""
    for param in command.params:
        if param.name in BY_NAME or param.name in ("key", "name", "limits"):
            _replace(param)
        elif param.name == "sources":  # a file, or a URL, which nobody can complete
            param.shell_complete = lambda ctx, incomplete: [CompletionItem(incomplete, type="file")]  # type: ignore[method-assign]  # noqa: ARG005
    if isinstance(command, click.Group):
        for below in command.commands.values():
            teach(below)


def _replace(param: click.Parameter) -> None:
    """Ask the database first, then the type of the parameter, which knows choices and files."""
    known = param.shell_complete

    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        return [*offer(ctx, param, incomplete)] or known(ctx, incomplete)

    param.shell_complete = complete  # type: ignore[method-assign]


class Joined(ShellComplete):
    """A shell that takes --type=no_op for one word, and so wants all of it back."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand there, each as the whole word."""
        found = super().get_completions(args, incomplete)
        name, joined, _ = incomplete.partition("=")
        if joined and name.startswith("-"):
            for item in found:
                item.value = f"{name}={item.value}" if item.type == "plain" else item.value
        return found


class Bash(BashComplete):
    """bash's completion for words with colons, at which bash begins a new word: ids of workers, keys of limits."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}" before="" response kind value
    local typed="${line##*[ =]}"
    [[ $COMP_WORDBREAKS == *:* && $typed == *:* ]] && before="${typed%%:*}:"
    response=$(env COMP_WORDS="$line"$'\\001' COMP_CWORD=9999 %(complete_var)s=bash_complete "$1" 2>/dev/null </dev/null)
    COMPREPLY=()
    while IFS=',' read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done <<< "$response"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being typed, and that one."""
        words, incomplete = super().get_completion_args()
        if words and words[-1].endswith(END):
            incomplete = words.pop().removesuffix(END)
        return words, incomplete


class Zsh(Joined, ZshComplete):
    """zsh's completion, in silence."""

    source_template = ZshComplete.source_template.replace("%(prog_name)s)}", "%(prog_name)s 2>/dev/null </dev/null)}")


class Fish(Joined, FishComplete):
    """fish's completion, in silence, and with descriptions that have a comma."""

    source_template = FishComplete.source_template.replace("%(prog_name)s);", "%(prog_name)s 2>/dev/null </dev/null);").replace(
        'split ","', 'split -m 1 ","'
    )


for shell in (Bash, Zsh, Fish):
    add_completion_class(shell)
