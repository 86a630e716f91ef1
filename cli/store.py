"""reelq store: the objects of all stores, and what looks after them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.objects.check import Find

NO = 3  # a check says no
STATES = ("writing", "stored", "deleting")
CLASSES = ("hot", "cooling", "cold", "restoring", "restored")
COLUMNS = (
    Column("id", keep=True, whole=True),
    Column("tenant", spare=True),
    Column("state"),
    Column("storage_class", "class"),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("fault"),
    Column("last_used_at", "used", show=text.age, right=True),
    Column("key"),
)
FINDS = (Column("kind", keep=True), Column("key", keep=True), Column("detail"))


@click.group("store")
def store() -> None:
    """Objects: look at them, sweep, check and cool the stores, call cold ones back.

    \b
    Examples:
      reelq store list --class cold
      reelq store sweep
      reelq store check
    """


@store.command("list")
@click.option("--tenant", metavar="SLUG", help="Only objects of this tenant.")
@click.option("--state", type=Choice(STATES), help="Only of this state.")
@click.option("--class", "class_", type=Choice(CLASSES), help="Only so stored.")
@click.option("--faulty", is_flag=True, help="Only those that a check found missing or altered.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_objects(app: App, tenant: str | None, state: str | None, class_: str | None, faulty: bool, limit: int, as_json: bool) -> None:
    """List objects, newest first.

    \b
    Examples:
      reelq store list --tenant acme --class cold
      reelq store list --faulty --json | jq -r .key
    """
    from reelq.worker.rooms import objects

    with app.connect() as conn:
        found = output.emit(objects.list_objects(conn, tenant, state, class_, faulty, limit), as_json, COLUMNS)
    if not found and not as_json:
        output.say("No such objects.")


@store.command("show")
@click.argument("object_id", type=Uuid(), metavar="OBJECT")
@tenant_option
@json_option
@pass_app
def show(app: App, object_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Show an object: where it lies, how it stands, what refers to it.

    \b
    Examples:
      reelq store show 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms import objects

    with app.connect(tenant=tenant) as conn:
        output.emit_record(objects.show_object(conn, object_id), as_json)


@store.command("sweep")
@json_option
@pass_app
def sweep(app: App, as_json: bool) -> int:
    """Delete the bytes of what nothing refers to, and what killed uploads left. For a daily timer; twice at once does no harm.

    An object goes when nothing has referred to it for the setting sweep_grace; first its bytes, then its row. A store that does not
    show its mark, or bears another's, is left alone; then the exit code is 3.

    \b
    Examples:
      reelq store sweep
      reelq store sweep --json | jq .deleted
    """
    from reelq.worker.objects import sweep as work
    from reelq.worker.objects.stores import ProvedStores

    with app.connect() as conn:
        done = work.run(conn, ProvedStores(conn, app.settings))
    if as_json:
        output.emit_record(asdict(done), True)
    else:
        output.line(
            f"{done.looked_at} objects looked at: {done.unreferenced} unreferenced and {done.litter} unfinished since now, "
            f"{done.deleted} deleted, {done.leftovers} broken uploads removed"
        )
    tell_skipped(done.skipped)
    if done.foreign:
        output.fail(f"{done.foreign} objects lie in another tenant's bucket and were left there", "reelq store list --state deleting")
    return 0 if done.is_clean else NO


def tell_skipped(skipped: dict[str, str]) -> None:
    """Say which stores were left alone."""
    from reelq.worker.objects.stores import PAUSED

    for bucket, why in skipped.items():
        advice = "reelq queue resume all" if why.startswith(PAUSED) else "Mount it, or run this on a host that has it. reelq doctor says more."
        output.fail(f"{bucket} was left alone: {why}", advice)


@store.command("cool")
@click.option("--follow", is_flag=True, help="Begin with nothing new; only go on with what is on its way.")
@json_option
@pass_app
def cool(app: App, follow: bool, as_json: bool) -> int:
    """Move what was not used for the setting cold_after to cold storage, and go on with what is on its way there or back. For a daily timer.

    S3 copies an object in place with the class of REELQ_S3_COLD_CLASS; a folder moves it to its folder .cold.

    \b
    Examples:
      reelq store cool
      reelq store cool --follow
    """
    from reelq.worker.objects import cold
    from reelq.worker.objects.stores import ProvedStores

    with app.connect() as conn:
        done = cold.run(conn, ProvedStores(conn, app.settings), begin=not follow)
    if as_json:
        output.emit_record(asdict(done), True)
    else:
        output.line(f"{done.begun} begun; {done.cold} cold, {done.restoring} restoring, {done.restored} restored, {done.missing} missing")
    tell_skipped(done.skipped)
    return NO if done.skipped or done.missing else 0


@store.command("restore")
@click.argument("object_id", type=Uuid(), metavar="OBJECT")
@click.option("--days", type=Whole(1, 365), default=7, show_default=True, help="How long it can be read once it is back.")
@json_option
@pass_app
def restore(app: App, object_id: UUID, days: int, as_json: bool) -> int:
    """Call a cold object back. Of S3's archives it takes hours: `reelq store cool --follow` says when it is there.

    \b
    Examples:
      reelq store restore 01976b1e-5a3c-7d4e-8f00-0123456789ab --days 30
    """
    from reelq.worker.objects import cold
    from reelq.worker.objects.stores import ProvedStores
    from reelq.worker.rooms import objects

    with app.connect() as conn:
        shown = objects.show_object(conn, object_id)
        skipped: dict[str, str] = {}
        place = ProvedStores(conn, app.settings).find(shown["bucket"], skipped)
        if place is None:
            tell_skipped(skipped)
            return NO
        if shown["storage_class"] in ("cold", "restoring", "restored"):
            cold.ask(conn, place, shown["key"], days)
        shown = objects.show_object(conn, object_id)
    output.emit_record({name: shown[name] for name in ("id", "key", "storage_class", "restored_until")}, as_json)
    return 0


@store.command("check")
@click.option("--bucket", metavar="URL", help="Only this store; default: all that workers have used.")
@click.option("--content", is_flag=True, help="Read all bytes and compare their checksums.")
@click.option("--anew", is_flag=True, help="From the start, though an earlier check was interrupted.")
@click.option("--repair", is_flag=True, help="Give objects without rows to the sweep, and remove variants whose object is missing or altered.")
@json_option
@pass_app
def check(app: App, bucket: str | None, content: bool, anew: bool, repair: bool, as_json: bool) -> int:
    """Compare the stores with the register: objects without rows, rows without objects, other sizes. Exit code 3 when there are any.

    Interrupted, the next check goes on. What is found stays noted: `reelq store list --faulty`, `reelq doctor`. An object without a
    row that is younger than a day is not told, and what this database cannot have stored is counted and stays. With --repair
    variants are dropped whose object is missing or altered, and their videos named: `reelq videos rerun` makes them. Originals
    stay as they are: bring them back from a backup.

    \b
    Examples:
      reelq store check
      reelq store check --content --bucket s3://media --json
      reelq store check --repair
    """
    from reelq.worker.objects import check as work
    from reelq.worker.objects.stores import ProvedStores
    from reelq.worker.rooms import objects

    def tell(find: Find) -> None:
        if find.kind == "foreign":
            foreign.append(find.key)
        if find.kind != "foreign" or as_json:
            output.emit([find], as_json, FINDS, headings=False)

    foreign: list[str] = []

    is_clean = True
    with app.connect() as conn:
        stores, skipped = ProvedStores(conn, app.settings), dict[str, str]()
        for one in [bucket] if bucket else stores.known():
            place = stores.find(one, skipped)
            if place is None:
                continue
            foreign.clear()
            try:
                done = work.run(conn, place, content=content, anew=anew, repair=repair, found=tell)
            except work.OtherCheck:
                skipped[one] = "another check of it is under way"
                continue
            is_clean = is_clean and not (done.strays or done.missing or done.altered)
            output.say(f"{one}: {done.listed} objects, {done.strays} without a row, {done.missing} missing, {done.altered} altered")
            if foreign:
                output.say(f"{len(foreign)} more were not stored by this database, such as {foreign[0]}; they stay. Has another one this store too?")
        while repair and (dropped := objects.drop_faulty_variants(conn)):
            for gone in dropped:
                output.say(f"dropped {gone.profile} of {gone.video_id or gone.asset_id}: reelq videos rerun {gone.video_id or '…'}")
    for one, why in skipped.items():
        output.fail(f"{one} was not checked: {why}", "Mount it, or run this on a host that has it.")
    return 0 if is_clean and not skipped else NO
