"""The unit files by themselves: systemd understands every line, they are tight, the texts agree with them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from reelq.cli.main import cli as root
from reelq.worker import periodic, settings
from tests.systemd.machine import REPOSITORY

UNITS = REPOSITORY / "systemd"
SERVICE = UNITS / "reelq-worker@.service"
UPKEEP = UNITS / "reelq-upkeep.service"
PERIODIC = UNITS / "reelq-periodic.service"
# Of 10, on systemd's own scale; the worker's is open where bubblewrap needs it.
EXPOSURE_CEILING = {SERVICE: 4.0, UPKEEP: 1.5, PERIODIC: 1.5}


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip where `tool` is not installed."""
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed")


# Given by the unit or kept out of it on purpose.
NOT_IN_EXAMPLE = {
    "DATABASE_URL": "credential",
    "REELQ_DATABASE_DIRECT_URL": "credential",
    "REELQ_S3_SECRET_ACCESS_KEY": "credential",
    "REELQ_SMTP_PASSWORD": "credential",
    "REELQ_VAPID_PRIVATE_KEY": "credential",
    "REELQ_LINK_SECRET": "no worker signs links",
    "REELQ_POOL": "the unit's instance",
}


def options(*units: Path) -> dict[str, list[str]]:
    """The settings of units (the worker's, when none is named): name to values, in order."""
    found: dict[str, list[str]] = {}
    for unit in units or (SERVICE,):
        for line in unit.read_text(encoding="utf-8").splitlines():
            if re.match(r"[A-Z]\w*=", line):
                name, value = line.split("=", 1)
                found.setdefault(name, []).append(value)
    return found


def seconds(text: str) -> float:
    """A time as the unit writes it: 90s, 61min, 1h."""
    number, unit = re.fullmatch(r"(\d+)(s|min|h)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "min": 60, "h": 3600}[unit]


def example(commented: bool) -> dict[str, str]:
    """The lines of the example file that count, or with `commented` those that would if the # went."""
    pattern = r"^#?([A-Z][A-Z0-9_]*)=(.*)$" if commented else r"^([A-Z][A-Z0-9_]*)=(.*)$"
    return dict(re.findall(pattern, (UNITS / "worker.env.example").read_text(encoding="utf-8"), re.MULTILINE))


@needs("systemd-analyze")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` prints warnings and still exits 0, so any output fails."""
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.target"), *UNITS.glob("*.timer")]:
        # The program of an installation is not here; /bin/true is.
        text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    names = ["reelq-worker@cpu.service", "reelq-worker.target", "reelq-upkeep.service", "reelq-upkeep.timer", "reelq-periodic.service"]
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs("systemd-analyze")
@pytest.mark.parametrize("service", EXPOSURE_CEILING, ids=lambda path: path.stem)
def test_a_service_stays_below_its_exposure_ceiling(service: Path) -> None:
    """The sum that `systemd-analyze security` prints, and each of the lines that must not go."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    done = subprocess.run([*command, str(service)], capture_output=True, text=True, check=False)
    told = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert told, done.stdout + done.stderr
    assert float(told[1]) <= EXPOSURE_CEILING[service]
    rows = subprocess.run([*command, "--json=short", str(service)], capture_output=True, check=True).stdout
    tight = {row["json_field"] for row in json.loads(rows) if row["set"]}
    assert {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateDevices", "PrivateTmp"} <= tight


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to another account")
@needs("systemd-sysusers")
@needs("systemd-tmpfiles")
def test_account_and_folders_are_made(tmp_path: Path) -> None:
    """systemd-sysusers, then systemd-tmpfiles, in an empty root."""
    (tmp_path / "etc").mkdir()
    commands = (
        ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "reelq.sysusers.conf")],
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(UNITS / "reelq.tmpfiles.conf")],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "/var/lib/reelq:/usr/sbin/nologin" in (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    modes = {path: f"{(tmp_path / path).stat().st_mode & 0o777:o}" for path in (
        "etc/reelq", "etc/reelq/credentials", "var/lib/reelq", "var/cache/reelq",
    )}  # fmt: skip
    assert modes == {
        "etc/reelq": "755", "etc/reelq/credentials": "700", "var/lib/reelq": "750", "var/cache/reelq": "755",
    }  # fmt: skip


@pytest.mark.parametrize("commented", [False, True], ids=["as shipped", "every line in use"])
def test_the_example_file_loads(commented: bool) -> None:
    """reelq.worker.settings accepts it as it stands and with each # taken away."""
    loaded = settings.load(example(commented))
    assert loaded.drain_grace_s == 3600


def test_the_example_file_knows_every_setting() -> None:
    """None missing, none invented, and the value that stands there is the default."""
    shown = {name: value for name, value in example(commented=True).items() if not name.startswith("PG")}
    defaults = {settings.variable(name): field.default for name, field in settings.FIELDS.items()}
    expected = {name: value for name, value in defaults.items() if name not in NOT_IN_EXAMPLE}
    expected |= {"REELQ_SCRATCH": "/var/cache/reelq/cpu"}  # the unit's
    assert shown == expected


def test_secrets_have_a_credential_each() -> None:
    """Every NAME_FILE in the unit is a setting, and its credential is loaded."""
    loaded = {value.split(":")[0] for value in options()["LoadCredential"]}
    files = dict(value.split("=") for value in options()["Environment"] if "_FILE=" in value)
    known = {f"{settings.variable(name)}_FILE" for name, field in settings.FIELDS.items() if field.secret}
    assert set(files) <= known
    assert {path.removeprefix("%d/") for path in files.values()} | {settings.CREDENTIAL_OF_KEYS} == loaded  # which the program finds by itself


def test_the_times_fit_together() -> None:
    """Drain before systemd kills, beats before the watchdog barks, restarts below the start limit."""
    unit = {name: values[-1] for name, values in options().items()}
    defaults = settings.load({})
    assert seconds(unit["TimeoutStopSec"]) >= defaults.drain_grace_s + 30
    assert seconds(unit["WatchdogSec"]) >= 10 * defaults.heartbeat_s
    assert seconds(unit["RestartSec"]) * int(unit["StartLimitBurst"]) > seconds(unit["StartLimitIntervalSec"])
    assert unit["RestartPreventExitStatus"] == "2"
    assert unit["Restart"] == "on-failure"


def test_what_is_written_about_the_units_is_in_them() -> None:
    """A `Name=value` or `Name=` in the texts is in the unit, but for what goes into drop-ins."""
    theirs = {"ReadWritePaths", "PrivateDevices", "RestrictNamespaces", "ProcSubset"}
    for page in (UNITS / "README.md", REPOSITORY / "docs" / "operate.md", UNITS / "worker.env.example"):
        text = page.read_text(encoding="utf-8")
        for name, value in re.findall(r"(?<![\w/%-])([A-Z][a-z]+[A-Za-z]*)=([\w%.:/-]*)", text):
            if name in theirs:
                continue
            known = options(SERVICE, UPKEEP, PERIODIC, UNITS / "reelq-upkeep.timer")
            assert name in known, f"{page.name}: {name}= is not in a unit"
            assert value == "" or value.rstrip(".:") in known[name], f"{page.name}: {name}={value}"


def test_the_commands_that_are_written_about_exist() -> None:
    """Every `reelq noun verb` of the texts is in the command line's tree, with its options."""
    found = set()
    for page in (UNITS / "README.md", REPOSITORY / "docs" / "operate.md", UPKEEP, PERIODIC, UNITS / "reelq.crontab"):
        text = page.read_text(encoding="utf-8")
        found |= set(re.findall(r"(?:`|^|bin/)reelq ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?([^`#|>\n]*)", text, re.MULTILINE))
    assert len(found) > 8
    for noun, verb, rest in found:
        context = click.Context(root)
        command = root.get_command(context, noun)
        if isinstance(command, click.Group):
            command = command.get_command(context, verb)
        assert command is not None, f"reelq {noun} {verb}"
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, f"reelq {noun} {verb}{rest}"


def test_the_crontab_and_the_upkeep_service_run_the_same_command() -> None:
    """Each says which clock it is; the crontab has five times and the account before it, and nothing on stdout."""
    (line,) = [line for line in (UNITS / "reelq.crontab").read_text(encoding="utf-8").splitlines() if re.match(r"[\d*]", line)]
    *times, account, command = line.split(None, 6)[:7]
    assert (times, account) == (["*/5", "*", "*", "*", "*"], "reelq")
    (service,) = options(UPKEEP)["ExecStart"]
    assert command == service.replace("--clock timer", "--clock cron") + " >/dev/null"
    assert options(UNITS / "reelq-upkeep.timer")["OnCalendar"] == ["*:0/5"]


def test_the_two_services_of_the_upkeep_are_closed_alike() -> None:
    """What is said of one's hardening and secrets holds for the other."""
    differ = {"Description", "Type", "NotifyAccess", "WatchdogSec", "TimeoutAbortSec", "TimeoutStartSec", "TimeoutStopSec", "ExecStart", "KillMode"}
    differ |= {"SyslogIdentifier", "Restart", "RestartSec", "RestartPreventExitStatus", "StartLimitIntervalSec", "StartLimitBurst", "WantedBy"}
    both = [{name: value for name, value in options(unit).items() if name not in differ} for unit in (UPKEEP, PERIODIC)]
    assert both[0] == both[1]
    unit = {name: values[-1] for name, values in options(PERIODIC).items()}
    assert seconds(unit["TimeoutStopSec"]) >= periodic.LEAVE_S + 10
    assert seconds(unit["RestartSec"]) * int(unit["StartLimitBurst"]) > seconds(unit["StartLimitIntervalSec"])
    assert (unit["Restart"], unit["RestartPreventExitStatus"]) == ("on-failure", "2")


def test_the_owner_s_address_is_the_upkeep_s_alone() -> None:
    """The worker's unit does not load it."""
    assert options(UPKEEP)["LoadCredential"][0] == "upkeep-database-url:/etc/reelq/credentials/upkeep-database-url"
    assert not any("upkeep" in value for values in options().values() for value in values)
