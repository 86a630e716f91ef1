"""reelq doctor: is this host fit to work, and is the queue well?"""

from __future__ import annotations

import click

from reelq.cli.app import App, Choice, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

COLUMNS = (
    Column("level", keep=True),
    Column("finding", keep=True),
    Column("detail", wrap=True),
    Column("remedy", wrap=True),
)
ON_TERMINAL = (Column("level", keep=True), Column("finding", keep=True), Column("detail", "detail, and what to do", wrap=True))
MENDED_COLUMNS = (Column("job_id", "job", keep=True), Column("what", "found"))


@click.command("doctor")
@click.option("--only", type=Choice(["host", "database"]), help="Only this host, or only the database.")
@click.option("--deep", is_flag=True, help="Check every invariant, also when that reads large tables.")
@click.option("--strict", is_flag=True, help="Exit with 3 for warnings too.")
@click.option("--repair", is_flag=True, help="Instead: repair what queue.repair() finds; exit 3 if there was anything.")
@json_option
@pass_app
@click.pass_context
def doctor(
    ctx: click.Context, app: App, only: str | None, deep: bool, strict: bool, repair: bool, as_json: bool
) -> None:
    """Check this host and the database, and say what to do.

    The host: ffmpeg and its codecs, sandbox, scratch, store (a probe object is put, read and removed; TLS), the key file, modules
    of job types of your own. The database: connection and its TLS, schema, clock, rows of those job types, keys of sealed rows,
    and all that `select * from ops.health()` knows. Changes nothing, except with --repair.

    Exit code 3: something is bad. 75: the database is away; the host was checked all the same.

    \b
    Examples:
      reelq doctor
      reelq doctor --only host && systemctl start reelq-worker@cpu
      reelq doctor --json | jq 'select(.level != "ok")'
      reelq doctor --repair
    """
    from reelq.worker.doctor import doctor as examiner
    from reelq.worker.errors import CHECK_SAYS_NO, TRY_AGAIN
    from reelq.worker.runtime import handler_check

    if repair:
        ctx.exit(_repair(app, as_json))
    report = examiner.examine(app.settings, only=only, deep=deep, more=handler_check.checks(app.settings))
    if as_json or not output.on_terminal():
        output.emit(report.findings, as_json, COLUMNS)
    else:  # one wide column instead of two narrow ones
        told = [({"level": one.level, "finding": one.finding, "detail": one.detail}, one.remedy) for one in report.findings]
        rows = [row for found, remedy in told for row in (found, {"detail": f"→ {remedy}"} if remedy else None) if row]
        output.emit(rows, False, ON_TERMINAL)
    bad, warn = report.count("bad"), report.count("warn")
    output.say(f"{bad} bad, {warn} to look at, {report.count('ok')} ok")
    ctx.exit(TRY_AGAIN if report.away else CHECK_SAYS_NO if bad or (strict and warn) else 0)


def _repair(app: App, as_json: bool) -> int:
    """Repair, report, and end with 3 when there was anything to repair."""
    from reelq.worker.doctor.checks import database
    from reelq.worker.errors import CHECK_SAYS_NO

    with app.connect() as conn:
        mended = output.emit(database.repair_all(conn), as_json, MENDED_COLUMNS)
    if mended:
        output.say(f"{mended} repaired. Rows were written past the functions, or this is a bug: reelq doctor tells how to go on")
    elif not as_json:
        output.line("nothing to repair")  # no news on stderr, which cron would mail every hour
    return CHECK_SAYS_NO if mended else 0
