"""Schedules: one job a tick whoever runs them, missed ticks by the stated policy, clocks that change, and trouble that stays alone."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelq.cli.app import parse_time
from tests.sql.queuekit import Queue

BERLIN = "Europe/Berlin"


@pytest.fixture
def queue(conn):
    return Queue(conn)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ticks(queue, cron: str, after: str, zone: str = "UTC", many: int = 3) -> list[str]:
    """The next ticks, as the clock of the zone shows them."""
    found, last = [], at(after, zone)
    for _ in range(many):
        last = queue.value("select queue.next_tick(%s, %s, %s)", cron, zone, last)
        found.append(last.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("* * * * *", "2026-03-01 10:59", ["2026-03-01 11:00", "2026-03-01 11:01", "2026-03-01 11:02"]),
        ("15 3 * * *", "2026-03-01 03:15", ["2026-03-02 03:15", "2026-03-03 03:15", "2026-03-04 03:15"]),
        ("*/25 22-23 * * *", "2026-03-01 22:10", ["2026-03-01 22:25", "2026-03-01 22:50", "2026-03-01 23:00"]),
        ("0 9 * * mon-fri", "2026-03-06 09:00", ["2026-03-09 09:00", "2026-03-10 09:00", "2026-03-11 09:00"]),
        ("0 0 1,15 * *", "2026-03-01 00:00", ["2026-03-15 00:00", "2026-04-01 00:00", "2026-04-15 00:00"]),
        ("0 0 13 * 5", "2026-03-01 00:00", ["2026-03-06 00:00", "2026-03-13 00:00", "2026-03-20 00:00"]),  # either of both, as in cron
        ("0 12 * * 7", "2026-03-01 12:00", ["2026-03-08 12:00", "2026-03-15 12:00", "2026-03-22 12:00"]),  # 7 is a Sunday too
        ("0 0 29 feb *", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("0 4 L * *", "2028-01-30 00:00", ["2028-01-31 04:00", "2028-02-29 04:00", "2028-03-31 04:00"]),  # a leap year
        ("0 4 l 2 *", "2096-03-01 00:00", ["2097-02-28 04:00", "2098-02-28 04:00", "2099-02-28 04:00"]),
        ("0 0 L feb *", "2099-03-01 00:00", ["2100-02-28 00:00", "2101-02-28 00:00", "2102-02-28 00:00"]),  # 2100 is none
        ("0 0 15,L * *", "2026-04-01 00:00", ["2026-04-15 00:00", "2026-04-30 00:00", "2026-05-15 00:00"]),
        ("0 0 L * 1", "2026-06-28 00:00", ["2026-06-29 00:00", "2026-06-30 00:00", "2026-07-06 00:00"]),  # either of both
        ("0 */12 L,31 12 *", "2026-12-30 23:59", ["2026-12-31 00:00", "2026-12-31 12:00", "2027-12-31 00:00"]),
        ("5/20 * * * *", "2026-03-01 00:00", ["2026-03-01 00:05", "2026-03-01 00:25", "2026-03-01 00:45"]),
        ("@weekly", "2026-03-02 00:00", ["2026-03-08 00:00", "2026-03-15 00:00", "2026-03-22 00:00"]),
        ("@yearly", "2026-03-02 00:00", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
    ],
)
def test_ticks_are_those_of_cron(queue, cron, after, expected):
    assert ticks(queue, cron, after) == expected


@pytest.mark.parametrize(("zone", "first"), [("Pacific/Kiritimati", "2028-02-28 10:30"), ("America/New_York", "2028-02-29 05:30"), ("Asia/Kathmandu", "2028-02-28 18:45")])
def test_the_last_day_is_that_of_the_time_zone(queue, zone, first):
    tick = queue.value("select queue.next_tick('30 0 L * *', %s, '2028-02-10 00:00Z')", zone)
    assert tick == at("2028-02-29 00:30", zone) == at(first)


@pytest.mark.parametrize("cron", ["0 0 L-1 * *", "0 0 1-L * *", "0 0 L/2 * *", "0 0 32 * *", "0 0 * L *", "0 L * * *", "0 0 * * L", "0 0 LL * *", "0 0 ,L * *"])
def test_an_l_that_is_no_last_day_is_refused(queue, cron):
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.next_tick(%s, 'UTC', now())", cron)
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ008", True)


def test_a_fixed_time_that_the_clock_leaves_out_comes_an_hour_later_and_one_that_comes_twice_runs_once(queue):
    assert ticks(queue, "30 2 * * *", "2026-03-28 02:30", BERLIN) == ["2026-03-29 03:30", "2026-03-30 02:30", "2026-03-31 02:30"]
    assert ticks(queue, "30 2 * * *", "2026-10-24 02:30", BERLIN) == ["2026-10-25 02:30", "2026-10-26 02:30", "2026-10-27 02:30"]


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_time_that_is_typed_is_the_one_that_a_schedule_means(queue, monkeypatch, text):
    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    try:
        typed = parse_time(text)
    finally:
        monkeypatch.undo()
        time.tzset()
    day = datetime.fromisoformat(text)
    cron = f"{day.minute} {day.hour} {day.day} {day.month} *"
    assert queue.value("select queue.next_tick(%s, %s, %s)", cron, BERLIN, typed - timedelta(days=1)) == typed


def test_a_schedule_by_the_hour_follows_real_time_where_clocks_change(queue):
    last, gaps = at("2026-10-25 01:30", BERLIN), []
    for _ in range(4):
        following = queue.value("select queue.next_tick('30 * * * *', %s, %s)", BERLIN, last)
        gaps.append(following.astimezone(UTC) - last.astimezone(UTC))
        last = following
    assert gaps == [timedelta(hours=1)] * 4


def field(low: int, high: int):
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"), number.map(str), st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.lists(number, min_size=2, max_size=4).map(lambda some: ",".join(map(str, some))),
    )  # fmt: skip


def numbers(text: str, low: int, high: int) -> set[int]:
    """Written anew: what a field names."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        found |= set(range(start, end + 1, int(step or 1)))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6), st.integers(0, 366 * 24 * 60))
def test_ticks_are_what_a_walk_from_minute_to_minute_finds(conn, minute, hour, day, month, weekday, start):
    """In UTC, by a plain second implementation; whoever finds none within 40 days is left out."""
    begin = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    wanted = (numbers(minute, 0, 59), numbers(hour, 0, 23), numbers(day, 1, 31), numbers(month, 1, 12), numbers(weekday, 0, 6))
    either = not day.startswith("*") and not weekday.startswith("*")

    def matches(now: datetime) -> bool:
        days = (now.day in wanted[2], now.isoweekday() % 7 in wanted[4])
        return now.minute in wanted[0] and now.hour in wanted[1] and now.month in wanted[3] and (any(days) if either else all(days))

    walk = (begin + timedelta(minutes=n) for n in range(1, 40 * 24 * 60))
    expected = next(itertools.filterfalse(lambda now: not matches(now), walk), None)
    if expected is not None:
        cron = f"{minute} {hour} {day} {month} {weekday}"
        found = conn.execute("select queue.next_tick(%s, 'UTC', %s)", [cron, begin]).fetchone()
        assert found == (expected,), cron


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *", "1-0 * * * *", "*/0 * * * *", "0 0 30 2 *", "1,,2 * * * *"]
)
def test_nonsense_is_refused_with_a_hint(queue, cron):
    with pytest.raises(psycopg.Error) as refused:
        queue.value("select queue.set_schedule('nightly', %s, 'no_op')", cron)
    assert refused.value.sqlstate == "RQ008" and refused.value.diag.message_hint


def schedule(queue, name="often", cron="*/10 * * * *", **named) -> datetime:
    arguments = {"job_type": "no_op", **named}
    names = "".join(f", p_{key} => %s" for key in arguments)
    return queue.value(f"select queue.set_schedule(%s, %s{names})", name, cron, *arguments.values())


def run(queue) -> int:
    return queue.value("select queue.run_schedules()")


def made(queue) -> list[str]:
    rows = queue.rows("select idempotency_key from queue.processing_jobs where idempotency_key like 'schedule:%%' order by idempotency_key")
    return [row.idempotency_key for row in rows]


def test_a_tick_makes_one_job_and_the_next_tick_another(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    assert schedule(queue) == at("2026-03-01 10:10")
    assert run(queue) == 0
    clock.set(at("2026-03-01 10:10"))
    assert (run(queue), run(queue)) == (1, 0)
    clock.set(at("2026-03-01 10:20"))
    assert run(queue) == 1
    assert made(queue) == ["schedule:often:2026-03-01T10:10:00Z", "schedule:often:2026-03-01T10:20:00Z"]


def test_a_claiming_worker_runs_what_is_due_and_gets_the_job(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    schedule(queue, job_data='{"sleep_s": 0}', priority=2)
    clock.set(at("2026-03-01 10:10"))
    queue.worker()
    (job,) = queue.claim("w1", 5)
    assert (job.job_type, job.priority, job.job_data) == ("no_op", 2, {"sleep_s": 0})


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("once", ["10:10"]), ("all", ["10:10", "10:20", "10:30", "10:40"]), ("skip", [])],
)
def test_ticks_that_nobody_ran_are_made_up_for_as_the_schedule_says(queue, clock, missed, expected):
    clock.set(at("2026-03-01 10:01"))
    schedule(queue, missed=missed)
    clock.set(at("2026-03-01 10:45"))
    assert run(queue) == len(expected)
    assert [key[-9:-4] for key in made(queue)] == expected
    assert queue.value("select next_run_at from queue.schedules") == at("2026-03-01 10:50")


def test_a_tick_that_came_late_is_told_with_the_time_of_its_enqueue(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    tenant = queue.value("select identity.create_tenant('acme')")
    schedule(queue, tenant_id=tenant)
    told = "select last_run_at, last_enqueued_at, last_error from queue.list_schedules()"
    assert [tuple(row) for row in queue.rows(told)] == [(None, None, None)]
    clock.set(at("2026-03-01 10:45"))
    run(queue)
    late = (at("2026-03-01 10:10"), at("2026-03-01 10:45"))
    assert [tuple(row)[:2] for row in queue.rows(told)] == [late]
    assert queue.value("select created_at from queue.processing_jobs") == late[1]
    # What is due next enqueues nothing: the latest run stays the one that there was.
    queue.conn.execute("select identity.set_tenant_status('acme', 'suspended')")
    clock.set(at("2026-03-01 10:50"))
    run(queue)
    (row,) = queue.rows(told)
    assert tuple(row)[:2] == late and "suspended" in row.last_error


def test_many_missed_ticks_come_in_portions(queue, clock):
    clock.set(at("2026-03-01 00:00"))
    schedule(queue, cron="* * * * *", missed="all")
    clock.set(at("2026-03-01 04:00"))
    assert [run(queue) for _ in range(4)] == [100, 100, 40, 0]
    assert len(set(made(queue))) == 240


def test_a_schedule_that_cannot_enqueue_holds_up_no_other_and_says_why(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    tenant = queue.value("select identity.create_tenant('acme')")
    schedule(queue, "broken", tenant_id=tenant)
    schedule(queue, "sound")
    queue.conn.execute("update identity.tenants set status = 'suspended' where id = %s", [tenant])
    clock.set(at("2026-03-01 10:10"))
    assert run(queue) == 1
    assert [key.split(":")[1] for key in made(queue)] == ["sound"]
    (finding,) = queue.rows("select * from queue.health_of_schedules()")
    assert (finding.level, "broken" in finding.detail, "RQ012" in finding.detail) == ("warn", True, True)
    queue.conn.execute("update identity.tenants set status = 'active' where id = %s", [tenant])
    clock.set(at("2026-03-01 10:20"))
    assert run(queue) == 2
    assert [row.level for row in queue.rows("select * from queue.health_of_schedules()")] == ["ok"]


def test_a_time_zone_that_this_server_does_not_know_stops_neither_claims_nor_others(queue, clock):
    """As after a move to another system: its time zones are those of the server's own files."""
    clock.set(at("2026-03-01 10:01"))
    for name in ("astray", "sound"):
        schedule(queue, name)
    queue.conn.execute("update queue.schedules set time_zone = 'US/Pacific-New' where name = 'astray'")
    queue.worker()
    clock.set(at("2026-03-01 10:10"))
    assert [job.job_type for job in queue.claim("w1", 5)] == ["no_op", "no_op"]
    clock.set(at("2026-03-01 10:20"))
    assert len(queue.claim("w1", 5)) == 1
    assert [key.split(":")[1] for key in made(queue)] == ["astray", "sound", "sound"]
    (finding,) = queue.rows("select * from queue.health_of_schedules()")
    assert (finding.level, "US/Pacific-New" in finding.detail) == ("warn", True)
    queue.conn.execute("update queue.schedules set time_zone = 'US/Pacific' where name = 'astray'")
    assert run(queue) == 1
    assert [row.level for row in queue.rows("select * from queue.health_of_schedules()")] == ["ok"]


def test_health_knows_a_time_zone_that_is_gone_before_the_tick_comes(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    schedule(queue, cron="0 3 * * *")
    queue.conn.execute("update queue.schedules set time_zone = 'US/Pacific-New'")
    assert "US/Pacific-New" in queue.rows("select * from queue.health_of_schedules()")[0].detail


def test_of_many_ticks_that_cannot_enqueue_a_claim_tries_one(queue, clock):
    clock.set(at("2026-03-01 10:00"))
    tenant = queue.value("select identity.create_tenant('acme')")
    schedule(queue, cron="* * * * *", missed="all", tenant_id=tenant)
    queue.conn.execute("update identity.tenants set status = 'suspended'")
    clock.set(at("2026-03-08 10:00"))
    assert run(queue) == 0
    assert queue.value("select next_run_at from queue.schedules") == at("2026-03-01 10:02")


def test_those_that_fail_keep_no_other_from_its_turn(queue, clock):
    clock.set(at("2026-03-01 10:00"))
    tenant = queue.value("select identity.create_tenant('acme')")
    schedule(queue, "broken", cron="* * * * *", missed="all", tenant_id=tenant)
    schedule(queue, "sound")
    queue.conn.execute("update identity.tenants set status = 'suspended' where id = %s", [tenant])
    clock.set(at("2026-03-01 10:30"))
    assert [queue.value("select queue.run_schedules(1)") for _ in range(2)] == [0, 1]


def test_a_schedule_that_a_clock_led_astray_is_told(queue, clock):
    clock.set(at("2028-03-01 10:01"))
    schedule(queue)
    clock.set(at("2026-03-01 10:01"))
    (finding,) = queue.rows("select * from queue.health_of_schedules()")
    assert (finding.level, "2028-03-01 10:10" in finding.detail, "resume often" in finding.remedy) == ("warn", True, True)
    queue.conn.execute("select queue.pause_schedule('often'), queue.resume_schedule('often')")
    assert queue.value("select next_run_at from queue.schedules") == at("2026-03-01 10:10")


def test_a_pause_holds_it_and_its_ticks_are_not_made_up_for(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    schedule(queue, missed="all")
    queue.conn.execute("select queue.pause_schedule('often')")
    clock.set(at("2026-03-01 10:45"))
    assert run(queue) == 0
    assert queue.value("select queue.resume_schedule('often')") == at("2026-03-01 10:50")
    assert run(queue) == 0


def test_a_pipeline_runs_anew_at_each_tick(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    video = queue.value("select media.create_video('/a.mp4')")
    schedule(queue, job_type=None, pipeline="standard", video_id=video)
    for minute in (10, 20):
        clock.set(at(f"2026-03-01 10:{minute}"))
        assert run(queue) == 1
    assert queue.value("select count(distinct pipeline_run) from queue.processing_jobs where video_id = %s", video) == 2


def test_set_again_begins_anew_and_drop_leaves_the_jobs(queue, clock):
    clock.set(at("2026-03-01 10:01"))
    schedule(queue)
    assert schedule(queue, cron="0 4 * * *", time_zone=BERLIN) == at("2026-03-02 04:00", BERLIN)
    clock.set(at("2026-03-02 04:00", BERLIN))
    assert run(queue) == 1
    queue.conn.execute("select queue.drop_schedule('often')")
    assert len(made(queue)) == 1
    for gone in ("drop", "pause", "resume"):
        with pytest.raises(psycopg.Error) as refused:
            queue.conn.execute(f"select queue.{gone}_schedule('often')")
        assert refused.value.sqlstate == "RQ004"


def test_how_missed_ticks_are_made_up_for_is_named_when_it_is_none_of_them(queue):
    with pytest.raises(psycopg.Error) as error:
        schedule(queue, missed="foo")
    assert error.value.diag.message_primary == "missed must be once, all or skip, not 'foo'" and "a run each" in (error.value.diag.message_hint or "")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"job_type": "nope"}, "RQ003"),
        ({"job_type": None, "pipeline": "nope"}, "RQ004"),
        ({"job_type": None, "pipeline": "standard"}, "RQ008"),
        ({"job_type": None}, "RQ008"),
        ({"pipeline": "standard"}, "RQ008"),
        ({"time_zone": "Mars/Olympus"}, "RQ008"),
        ({"missed": "perhaps"}, "RQ008"),
        ({"priority": 11}, "RQ008"),
        ({"job_data": "[1]"}, "RQ008"),
        ({"name": "two words"}, "RQ008"),
        ({"tenant_id": "00000000-0000-0000-0000-00000000abcd"}, "RQ004"),
        ({"video_id": "00000000-0000-0000-0000-00000000abcd"}, "RQ004"),
    ],
)
def test_what_could_never_run_is_refused_when_it_is_set(queue, named, code):
    with pytest.raises(psycopg.Error) as refused:
        schedule(queue, **{"name": "often", **named})
    assert refused.value.sqlstate == code and refused.value.diag.message_hint


def test_two_that_run_at_once_make_one_job(dsn):
    """The second does not wait: it passes over what the first holds."""
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        second.execute("select queue.set_schedule('often', '@yearly', 'no_op')")  # no minute that begins meanwhile is a tick
        second.execute("update queue.schedules set next_run_at = base.clock() - interval '1 hour'")
        second.execute("set lock_timeout = '2s'")
        assert first.execute("select queue.run_schedules()").fetchone() == (1,)
        assert second.execute("select queue.run_schedules()").fetchone() == (0,)
        first.commit()
        assert second.execute("select queue.run_schedules()").fetchone() == (0,)
        assert second.execute("select count(*) from queue.processing_jobs").fetchone() == (1,)


@pytest.mark.parametrize("after", ["infinity", "-infinity", "9999-12-31", "0044-03-15 BC", None])
def test_no_tick_is_looked_for_outside_of_time(queue, after):
    """After infinity it would be looked for for ever."""
    with pytest.raises(psycopg.Error, match="after must be a time of the years 1900 to 9989") as error:
        queue.value("select queue.next_tick('* * * * *', 'UTC', %s)", after)
    assert (error.value.sqlstate, error.value.diag.message_hint) == ("RQ008", "Such as now().")
