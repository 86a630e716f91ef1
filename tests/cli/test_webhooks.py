"""reelq webhooks and events: what people and pipes see, and what they cannot do."""

from __future__ import annotations

import pytest

from reelq.cli import webhooks as commands

NOBODY = "00000000-0000-0000-0000-000000000001"
URL = "https://hook.example/in"


@pytest.fixture
def hook(reelq, tmp_path, monkeypatch):
    """An endpoint of acme, and its secret."""
    monkeypatch.setenv("REELQ_SECRETS_FILE", str(tmp_path / "secrets"))
    assert reelq("secrets", "init").code == 0
    reelq("tenants", "create", "acme")
    made = reelq("webhooks", "create", URL, "--tenant", "acme", "--event", "video.*", "--event", "order.*")
    assert made.code == 2 and "order.*" in made.err, "no such type yet"
    assert reelq("events", "add-type", "order.paid", "--about", "An order was paid.").code == 0
    made = reelq("webhooks", "create", URL, "--tenant", "acme", "--event", "video.*", "--event", "order.*")
    assert made.code == 0 and made.out.startswith("whsec_") and made.out.count("\n") == 1
    assert made.out.strip() not in made.err and "only time that the secret is shown" in made.err
    (row,) = reelq("webhooks", "list", "--json").rows
    return row["id"]


def test_an_endpoint_is_shown_changed_and_its_secret_never_again(reelq, hook):
    shown = reelq("webhooks", "show", hook, "--json").row
    assert (shown["state"], shown["events"], shown["tenant"], shown["url"]) == ("active", ["video.*", "order.*"], "acme", URL)
    assert reelq("webhooks", "set", hook, "--event", "*", "--max-running", 2, "--description", "Acme's").code == 0
    assert reelq("webhooks", "set", hook, "--max-running", 0).code == 0
    shown = reelq("webhooks", "show", hook, "--json").row
    assert (shown["events"], shown["max_running"], shown["description"]) == (["*"], None, "Acme's")
    rotated = reelq("webhooks", "rotate-secret", hook, "--overlap", "2h", "--json").row
    assert rotated["secret"].startswith("whsec_") and reelq("webhooks", "show", hook, "--json").row["old_secret_ends_at"] is not None
    for told in (reelq("webhooks", "list"), reelq("webhooks", "show", hook), reelq("audit", "list", "--json")):
        assert told.code == 0 and "whsec_" not in told.out and rotated["secret"][6:] not in told.out
    assert reelq("webhooks", "disable", hook, "--reason", "we move").code == 0
    assert reelq("webhooks", "show", hook, "--json").row["reason"] == "we move"
    assert reelq("webhooks", "test", hook).code == 1
    assert reelq("webhooks", "enable", hook).code == 0
    assert reelq("webhooks", "delete", hook).code == 0
    assert "No webhooks." in reelq("webhooks", "list").err
    assert reelq("webhooks", "show", hook).code == 2
    assert reelq("webhooks", "list", "--tenant", "nobody").code == 2


def test_an_application_s_event_is_told_relayed_delivered_and_replayed(reelq, hook):
    assert reelq("events", "emit", "order.paid", "--tenant", "acme", "--key", "order:1", "--data", '{"order_id": 1}').code == 0
    assert reelq("events", "emit", "video.ready", "--tenant", "acme").code == 2
    assert reelq("events", "emit", "order.paid", "--data", "[1]").code == 2
    (waiting,) = reelq("events", "list", "--json").rows
    assert waiting["relayed_at"] is None
    assert reelq("events", "relay", "--json").row == {"events": 1, "probes": 0}
    shown = reelq("events", "show", waiting["event_id"], "--json").row
    assert (shown["event_type"], shown["data"], shown["tenant"]) == ("order.paid", {"order_id": 1}, "acme")
    (delivery,) = reelq("webhooks", "deliveries", hook, "--event", waiting["event_id"], "--json").rows
    assert (delivery["status"], delivery["event_type"]) == ("queued", "order.paid")
    assert reelq("webhooks", "replay", hook, "--since", "1h", "--missed", "--json").row["enqueued"] == 0
    assert reelq("webhooks", "replay", hook, "--event", waiting["event_id"], "--tenant", "acme", "--json").row["enqueued"] == 1
    assert reelq("webhooks", "replay", hook).code == 2
    job = reelq("webhooks", "test", hook).out.strip()
    assert reelq("jobs", "show", job, "--json").row["job_type"] == "deliver_webhook"
    assert len(reelq("webhooks", "deliveries", hook, "--json").rows) == 3
    for words in (("events", "list", "--type", "order.*"), ("events", "types"), ("webhooks", "deliveries", hook)):
        assert "order.paid" in reelq(*words).out
    assert reelq("events", "list", "--type", "job.*").err == "No such events.\n"
    assert reelq("events", "show", NOBODY).code == 2


def test_a_host_without_keys_makes_no_endpoint(reelq):
    told = reelq("webhooks", "create", URL)
    assert told.code == 2 and "REELQ_SECRETS_FILE" in told.err


def test_words_are_those_of_the_queue(conn):
    (check,) = conn.execute("select pg_get_constraintdef(oid) from pg_constraint where conname = 'status_is_known' and conrelid = 'queue.processing_jobs'::regclass").fetchone()
    assert all(f"'{word}'" in check for word in commands.STATUSES)
